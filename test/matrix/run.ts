// Tries many cells, in as many processes as there are cores.
import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { SliceEnd } from './slice.ts';

export interface MatrixEnd extends SliceEnd {
  readonly seconds: number;
}

const SLICE = fileURLToPath(new URL('slice.ts', import.meta.url));
// The stories of all failed cells.
const MOST_OUTPUT = 1 << 30;
// An error's stack is made at each of the engine's refusals, and read of few.
const OPTIONS = ['--stack-trace-limit=4', '--max-semi-space-size=32', '--import=tsx'];

/** Tries a sample of that many cells (0: all of them). */
export async function runMatrix(most: number, seed: number, processes = availableParallelism()): Promise<MatrixEnd> {
  const began = performance.now();
  const run = promisify(execFile);
  const slices = Array.from({ length: processes }, async (_, at): Promise<SliceEnd> => {
    const args = [SLICE, at, processes, most, seed].map(String);
    const { stdout } = await run(process.execPath, [...OPTIONS, ...args], { maxBuffer: MOST_OUTPUT });
    return JSON.parse(stdout);
  });
  const ends = await Promise.all(slices);
  return {
    all: ends[0]?.all ?? 0,
    tried: ends.reduce((sum, { tried }) => sum + tried, 0),
    notMet: ends.reduce((sum, { notMet }) => sum + notMet, 0),
    same: ends.reduce((sum, { same }) => sum + same, 0),
    cpuSeconds: ends.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
    failed: ends.flatMap(({ failed }) => failed),
    seconds: (performance.now() - began) / 1000,
  };
}

/** What came of it, for people. */
export function endText({ all, tried, notMet, same, failed, seconds, cpuSeconds }: MatrixEnd): string {
  const speed = `${seconds.toFixed(1)} s, ${Math.round(tried / seconds)} cells per second, ${cpuSeconds.toFixed(0)} s of CPU time`;
  const passed = notMet > 0 ? ` (in ${notMet} the trouble had nothing to happen to)` : '';
  const once = same > 0 ? `; ${same} of them leave the same machine as another and share its end` : '';
  return `${tried} of ${all} cells tried in ${speed}${passed}${once}; ${failed.length} failed`;
}

/** How to try a failed cell alone. */
export function repeatText(cell: string): string {
  return `npm run test:matrix -- --cell ${JSON.stringify(cell)}`;
}
