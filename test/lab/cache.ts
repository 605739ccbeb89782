// Programs and file systems that scripts/prepare.mjs has downloaded.
import path from 'node:path';
import { prepared } from '../../scripts/prepare/cache.mjs';

/** A program that runs on this machine, by its path in its Debian package. */
export function unpackedTool(file: string): string {
  return path.join(prepared('tools'), file);
}
