import path from 'node:path';
import { isBelow } from '../../core/text/path.ts';

/** The folder that no link may lead out of: a build's context for what it contains; undefined for what lies elsewhere. */
export function fenceOf(file: string, context: string): string | undefined {
  const folder = path.resolve(context);
  return isBelow(file, folder) ? folder : undefined;
}
