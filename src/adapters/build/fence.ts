import path from 'node:path';
import { isBelow } from '../../core/text/path.ts';

/** The folder that no link may leave: a build's context for the files in it; undefined for files elsewhere. */
export function fenceOf(file: string, context: string): string | undefined {
  const folder = path.resolve(context);
  return isBelow(file, folder) ? folder : undefined;
}
