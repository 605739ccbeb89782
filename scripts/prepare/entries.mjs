// Brings entries of the table into the cache: under a lock between processes, in a temporary folder that is renamed when it is
// complete, so that an entry is there as a whole or not at all.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { Failure, say } from '../shell.mjs';
import { cacheFolder, folderOf } from './cache.mjs';
import { fetchPackages } from './debian.mjs';
import { interruptible, runnerUntil } from './interrupt.mjs';
import { locked } from './lock.mjs';
import { ENTRIES } from './table.mjs';

const TEMPORARY = '.preparing-';

/** Prepares the named entries that are not there yet; resolves to true if there were some. */
export async function prepareEntries(names, table = ENTRIES) {
  const unknown = names.find((name) => !Object.hasOwn(table, name));
  if (unknown) throw new Failure(`there is no ${unknown} to prepare; there are ${Object.keys(table).join(', ')}`);
  const missing = () => [...new Set(names)].filter((name) => !existsSync(folderOf(name, table[name])));
  if (missing().length === 0) return false;
  const lock = path.join(cacheFolder(), 'lock');
  await interruptible((signal) =>
    locked(lock, `prepares the programs in ${cacheFolder()}`, signal, () => fill(missing(), table, signal)),
  );
  return true;
}

async function fill(names, table, signal) {
  if (names.length === 0) return;
  removeLeftovers();
  const temporary = mkdtempSync(path.join(cacheFolder(), TEMPORARY));
  say(`preparing ${names.join(', ')}`);
  try {
    const groups = bySuite(names, table);
    await allOrNone(signal, groups, (group, run) => fillGroup(group, table, temporary, run));
  } finally {
    remove(temporary);
  }
}

/** Only the holder of the lock has a temporary folder, so any other one belongs to a process that was killed. */
function removeLeftovers() {
  for (const name of readdirSync(cacheFolder())) if (name.startsWith(TEMPORARY)) remove(path.join(cacheFolder(), name));
}

function bySuite(names, table) {
  const groups = new Map();
  for (const name of names) {
    const key = table[name].suite ?? name;
    groups.set(key, [...(groups.get(key) ?? []), name]);
  }
  return [...groups.values()];
}

/** Does all at the same time; if one fails, the programs of the others are ended, and waited for. */
async function allOrNone(signal, items, work) {
  const failed = new AbortController();
  const run = runnerUntil(AbortSignal.any([signal, failed.signal]));
  let first;
  const note = (error) => {
    first ??= error;
    failed.abort();
  };
  await Promise.all(items.map((item) => work(item, run).catch(note)));
  if (first) throw first;
}

async function fillGroup(names, table, temporary, run) {
  const [{ suite }] = names.map((name) => table[name]);
  const downloads = path.join(temporary, `apt-${suite ?? names[0]}`);
  const debs = suite
    ? await fetchPackages(
        suite,
        names.map((name) => table[name]),
        downloads,
        run,
      )
    : [];
  for (const [at, name] of names.entries()) {
    const folder = path.join(temporary, name);
    const final = folderOf(name, table[name]);
    mkdirSync(folder);
    await table[name].make({ folder, final, debs: debs[at] ?? [], run });
    renameSync(folder, final);
  }
  remove(downloads);
}

function remove(folder) {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
