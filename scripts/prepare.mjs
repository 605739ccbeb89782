// The one step that downloads: npm packages, programs, file systems of engines. Tests only use what is prepared.
//
//   node scripts/prepare.mjs                 what `npm test` needs; leaves the engine running
//   node scripts/prepare.mjs podman-sid …    only these entries of scripts/prepare/table.mjs
import { fileURLToPath } from 'node:url';
import { engine, installEngine } from './engine.mjs';
import { prepareEntries } from './prepare/entries.mjs';
import { installPrograms } from './prepare/machine.mjs';
import { ALL_TESTS } from './prepare/needs.mjs';
import { dependencies } from './prepare/npm.mjs';
import { exitWith } from './shell.mjs';

/** Brings a fresh clone to the point where what uses these entries can run; with `onEngine`, on an engine, too. */
export async function prepare(entries, { onEngine = false } = {}) {
  await dependencies();
  await installPrograms();
  if (onEngine) await installEngine();
  await prepareEntries(entries);
}

async function byHand(names) {
  if (names.length > 0) return prepareEntries(names);
  await prepare(ALL_TESTS, { onEngine: true });
  await engine();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) exitWith(byHand(process.argv.slice(2)));
