// Finds prepared programs and file systems in the cache. Nothing here downloads.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Failure } from '../shell.mjs';
import { ENTRIES } from './table.mjs';

const MAKERS = readFileSync(new URL('unpack.mjs', import.meta.url));

export function cacheFolder() {
  const cache = process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache');
  return path.join(cache, 'swapctl-test');
}

/** The path of a prepared entry; fails if scripts/prepare.mjs has not prepared it. */
export function prepared(name) {
  const entry = ENTRIES[name];
  if (!entry) throw new Failure(`there is no ${name} to prepare; there are ${Object.keys(ENTRIES).join(', ')}`);
  const folder = folderOf(name, entry);
  if (!existsSync(folder)) throw new Failure(`not prepared: ${name}. Run node scripts/prepare.mjs ${name}`);
  return path.join(folder, entry.path);
}

/** Includes a hash of the recipe: a changed recipe is prepared anew, and clones with different recipes share a cache. */
export function folderOf(name, recipe) {
  const hash = createHash('sha256').update(JSON.stringify(recipe)).update(MAKERS);
  return path.join(cacheFolder(), `${name}-${hash.digest('hex').slice(0, 8)}`);
}
