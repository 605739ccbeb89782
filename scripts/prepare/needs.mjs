// Which entries of the table a test needs: those of the lab's modules that it imports, directly or not.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './npm.mjs';
import { ENTRIES } from './table.mjs';

/** By module of the lab, the entries whose paths it asks for. */
const NEEDS = {
  'test/lab/cache.ts': ['tools'],
  'test/lab/compose.ts': ['compose-2.26', 'compose-2.40'],
  'test/lab/docker-cli.ts': ['buildx'],
  'test/lab/engines.ts': ['docker-bookworm', 'docker-trixie', 'docker-sid'],
  'test/lab/caddy.ts': ['proxies'],
  'test/lab/nginx.ts': ['nginx'],
  'test/lab/nft.ts': ['nft-bookworm', 'nft-trixie', 'nft-sid'],
  'test/lab/proxies.ts': ['proxies-bookworm', 'proxies-trixie', 'proxies-sid'],
  'test/lab/proxy-image.ts': ['proxies'],
  'bench/nginx.ts': ['nginx'],
  'bench/proxies/images.ts': ['proxies'],
};

export const ALL_TESTS = Object.keys(NEEDS)
  .filter((file) => file.startsWith('test/'))
  .flatMap((file) => NEEDS[file]);

/** The entries that programs need, by their paths in this repository. */
export function needsOf(files) {
  const imported = importedBy(files);
  return Object.keys(NEEDS).flatMap((file) => (imported.has(file) ? NEEDS[file] : []));
}

/** The Podmen that `--engine` names; none by default, for only the table of engines runs on all of them. */
export function podmenOf(args, { unnamed = 'none' } = {}) {
  const named = args.filter((_, at) => args[at - 1] === '--engine');
  const podmen = Object.keys(ENTRIES).filter((name) => name.startsWith('podman-'));
  if (named.length === 0) return unnamed === 'all' ? podmen : [];
  return podmen.filter((name) => named.includes(name) || (name === 'podman-bookworm' && named.includes('podman')));
}

/** These files and all that they import, directly or not. */
export function importedBy(files) {
  const imported = new Set();
  for (const file of files) follow(file, imported);
  return imported;
}

function follow(file, seen) {
  if (seen.has(file) || !existsSync(path.join(root, file))) return;
  seen.add(file);
  for (const target of importsOf(readFileSync(path.join(root, file), 'utf8'))) {
    follow(path.join(path.dirname(file), target), seen);
  }
}

/** Relative imports of values: types alone need nothing. */
function importsOf(source) {
  const statements = /^(?:import|export)\s+(?!type\s)(?:[^'";]*?\sfrom\s+)?'(\.[^']+)'|\bimport\('(\.[^']+)'\)/gm;
  return [...source.matchAll(statements)].map(([, named, lazy]) => named ?? lazy);
}
