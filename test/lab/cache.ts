// Where the unpacked programs and engines live: they outlast a test run, and hold nothing that can't be fetched again.
import os from 'node:os';
import path from 'node:path';

export function cacheFolder(...inside: string[]): string {
  const cache = process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache');
  return path.join(cache, 'swapctl-test', ...inside);
}

/** A program that scripts/prepare.mjs has unpacked, by its path in its Debian package. */
export function unpackedTool(file: string): string {
  return cacheFolder('tools', file);
}
