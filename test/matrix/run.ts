// Tries many cells, in one process per core.
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import type { Cell } from './cell.ts';
import { sampleOf } from './cells.ts';
import { SETUP_NAMES } from './setups.ts';
import type { CellsEnd } from './worker.ts';
import { bundleWorker, dealOut, openWorker, type Worker } from './workers.ts';

export interface MatrixEnd extends CellsEnd {
  readonly all: number;
  readonly seconds: number;
}

/** Tries a sample of that many cells (0: all of them). */
export async function runMatrix(most: number, seed: number, processes = availableParallelism()): Promise<MatrixEnd> {
  const began = performance.now();
  const folder = mkdtempSync(path.join(tmpdir(), 'swapctl-matrix-'));
  const workers: Worker[] = [];
  try {
    const program = await bundleWorker(folder);
    for (let at = 0; at < processes; at++) workers.push(openWorker(program));
    const all = (await dealOut(workers, SETUP_NAMES, (worker, setup) => worker.cellsOf(setup))).flat();
    const batches = batchesOf(sampleOf(all, most || all.length, seed));
    const ends = await dealOut(workers, batches, (worker, cells) => worker.tryAll(cells));
    return { ...sumOf(ends), all: all.length, seconds: (performance.now() - began) / 1000 };
  } finally {
    for (const worker of workers) worker.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

// Small enough that no worker runs alone for long at the end.
const BATCH = 50;

/** Cells with the same remains come into one batch. */
function batchesOf(cells: readonly Cell[]): Cell[][] {
  const groups = new Map<unknown, Cell[]>();
  for (const cell of cells) {
    const key = cell.leaves ?? cell;
    const group = groups.get(key);
    if (group) group.push(cell);
    else groups.set(key, [cell]);
  }
  const batches: Cell[][] = [];
  for (const group of groups.values()) {
    const last = batches.at(-1);
    if (last && last.length < BATCH) last.push(...group);
    else batches.push(group);
  }
  return batches;
}

function sumOf(ends: readonly CellsEnd[]): CellsEnd {
  const sum = (of: (end: CellsEnd) => number): number => ends.reduce((total, end) => total + of(end), 0);
  return {
    tried: sum(({ tried }) => tried),
    notMet: sum(({ notMet }) => notMet),
    same: sum(({ same }) => same),
    cpuSeconds: sum(({ cpuSeconds }) => cpuSeconds),
    failed: ends.flatMap(({ failed }) => failed),
  };
}

/** The result, for people. */
export function endText({ all, tried, notMet, same, failed, seconds, cpuSeconds }: MatrixEnd): string {
  const speed = `${seconds.toFixed(1)} s, ${Math.round(tried / seconds)} cells per second, ${cpuSeconds.toFixed(0)} s of CPU time`;
  const passed = notMet > 0 ? ` (in ${notMet} the trouble had nothing to happen to)` : '';
  const once = same > 0 ? `; ${same} of them leave the same machine as another and share its end` : '';
  return `${tried} of ${all} cells tried in ${speed}${passed}${once}; ${failed.length} failed`;
}

/** The command to try a failed cell alone. */
export function repeatText(cell: string): string {
  return `npm run test:matrix -- --cell ${JSON.stringify(cell)}`;
}
