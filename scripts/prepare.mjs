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
import { exitWith, say } from './shell.mjs';

/** Brings a fresh clone to the point where what uses these entries can run; with `onEngine`, on an engine, too. */
export async function prepare(entries, { onEngine = false } = {}) {
  const steps = [dependencies, installPrograms, ...(onEngine ? [installEngine] : []), () => prepareEntries(entries)];
  await timed(steps);
}

async function timed(steps) {
  const began = Date.now();
  let changed = false;
  for (const step of steps) changed = (await step()) || changed;
  if (changed) say(`prepared in ${Math.round((Date.now() - began) / 1000)} s`);
}

async function byHand(names) {
  if (names.length > 0) return timed([() => prepareEntries(names)]);
  await prepare(ALL_TESTS, { onEngine: true });
  await engine();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) exitWith(byHand(process.argv.slice(2)));
