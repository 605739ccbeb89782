// One of several processes that try cells: every Nth of the sample, from the Ith on.
//
//   node --import=tsx test/matrix/slice.ts I N MOST SEED
import { tryCell } from './cell.ts';
import { allCells, cellText, sampleOf } from './cells.ts';

/** What a slice prints at its end, as its one line of JSON. */
export interface SliceEnd {
  readonly all: number;
  readonly tried: number;
  readonly notMet: number;
  readonly cpuSeconds: number;
  readonly failed: readonly { readonly cell: string; readonly why: string }[];
}

async function main([first = '0', step = '1', most = '0', seed = '0']: readonly string[]): Promise<void> {
  const all = await allCells();
  const cells = sampleOf(all, Number(most) || all.length, Number(seed));
  const mine = cells.filter((_, at) => at % Number(step) === Number(first));
  const failed: { cell: string; why: string }[] = [];
  let notMet = 0;
  for (const cell of mine) {
    const result = await tryCell(cell);
    if (!result.safe) failed.push({ cell: cellText(cell), why: result.why });
    else if (result.outcome === 'not met') notMet++;
  }
  const { user, system } = process.cpuUsage();
  const cpuSeconds = (user + system) / 1e6;
  const end: SliceEnd = { all: all.length, tried: mine.length, notMet, cpuSeconds, failed };
  console.log(JSON.stringify(end));
}

await main(process.argv.slice(2));
