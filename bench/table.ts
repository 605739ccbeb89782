// What the benchmarks print: tables in Markdown, ready for the README.
import os from 'node:os';
import { engineFacts } from '../test/lab/engine.ts';
import type { World } from '../test/lab/world.ts';

export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  for (const cells of [head, head.map(() => '---'), ...rows]) console.log(`| ${cells.join(' | ')} |`);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[Math.floor(sorted.length / 2)]];
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2;
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

/** The middle one, then the lowest and the highest. */
export function spread(values: readonly number[]): string {
  const [low, middle, high] = [Math.min(...values), median(values), Math.max(...values)].map((one) => one.toFixed(2));
  return `${middle}, ${low} to ${high}`;
}

/** What the figures depend on beside the code. */
export async function conditions(world: World): Promise<string> {
  const { version } = await engineFacts(world.docker);
  return `Docker ${version}, Linux ${os.release()}, Node ${process.version}, ${os.availableParallelism()} cores`;
}
