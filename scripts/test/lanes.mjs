// Which tests there are: a lane by folder, and parts of a lane for several machines.
import { readdirSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { root } from '../prepare/npm.mjs';
import { Failure } from '../shell.mjs';

const ENGINE = path.join('test', 'engine') + path.sep;
const FULL = path.join('test', 'full') + path.sep;

const CORES = os.availableParallelism();

/**
 * `budgetMs` is for the whole command on two cores. `atOnce` is how many test processes run at a time, and `underLoad` how many of
 * those that measure load clients (phases.mjs); `--at-a-time` tries another number for both. `processes`: the files of a whole lane
 * share so many; two more than there are cores, as some tests wait for programs and timers.
 */
export const LANES = {
  fast: { atOnce: CORES + 2, processes: CORES + 2, budgetMs: 60_000 },
  engine: { atOnce: 3, underLoad: 2, budgetMs: 8 * 60_000 },
  full: { atOnce: 3, underLoad: 2, budgetMs: 22 * 60_000 },
};

/** The lane of a file, by its folder. */
export function laneOf(file) {
  if (file.startsWith(ENGINE)) return 'engine';
  return file.startsWith(FULL) ? 'full' : 'fast';
}

export function filesOf(lane) {
  return allTests().filter((file) => laneOf(file) === lane);
}

function allTests() {
  return readdirSync(path.join(root, 'test'), { recursive: true })
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => path.join('test', file))
    .sort();
}

/** Seconds by file, as measured once. */
const WEIGHTS = JSON.parse(readFileSync(new URL('weights.json', import.meta.url), 'utf8'));
/** For a file that is not in there. */
const AVERAGE = { fast: 0.3, engine: 30, full: 30 };

const weightOf = (file) => WEIGHTS[file.split(path.sep).join('/')] ?? AVERAGE[laneOf(file)];

/** The longest come first, so that no long one is left alone at the end. */
export function longestFirst(files) {
  return [...files].sort((a, b) => weightOf(b) - weightOf(a));
}

/** The files of each process: one; or of a whole lane, where starting costs more than most tests, a share of them. */
export function processesOf(lane, files, { whole = false } = {}) {
  const { processes } = LANES[lane];
  if (!whole || processes === undefined) return longestFirst(files).map((file) => [file]);
  const parts = Array.from({ length: processes }, (_, index) => partOf(files, `${index + 1}/${processes}`));
  return parts.filter(({ length }) => length > 0);
}

/** Part `2/3` of files: each goes, the longest first, to the part that has the least to do. */
export function partOf(files, part) {
  const [, mine, parts] = /^(\d+)\/(\d+)$/.exec(part)?.map(Number) ?? [];
  if (!(mine >= 1 && mine <= parts)) throw new Failure(`--part ${part}: it is I/N, as in --part 1/3`);
  const loads = Array(parts).fill(0);
  return longestFirst(files).filter((file) => {
    const least = loads.indexOf(Math.min(...loads));
    loads[least] += weightOf(file);
    return least === mine - 1;
  });
}
