// One of several processes that try cells: every Nth of the sample, from the Ith on; of those that leave the same, the first counts.
//
//   node --import=tsx test/matrix/slice.ts I N MOST SEED
import { type Cell, type Result, tryCell } from './cell.ts';
import { allCells, cellText, sampleOf } from './cells.ts';

/** What a slice prints at its end, as its one line of JSON. */
export interface SliceEnd {
  readonly all: number;
  readonly tried: number;
  readonly notMet: number;
  /** Of those tried: cells that leave the same machine as another one, whose end is theirs. */
  readonly same: number;
  readonly cpuSeconds: number;
  readonly failed: readonly { readonly cell: string; readonly why: string }[];
}

async function main([first = '0', step = '1', most = '0', seed = '0']: readonly string[]): Promise<void> {
  const all = await allCells();
  const cells = sampleOf(all, Number(most) || all.length, Number(seed));
  const mine = partOf(cells, Number(first), Number(step));
  const failed: { cell: string; why: string }[] = [];
  const ends = new Map<string, Result>();
  let notMet = 0;
  let same = 0;
  for (const cell of mine) {
    const known = ends.get(cell.leaves ?? '');
    const result = known ?? (await tryCell(cell));
    if (known) same++;
    if (cell.leaves !== undefined) ends.set(cell.leaves, result);
    if (!result.safe) failed.push({ cell: cellText(cell), why: result.why });
    else if (result.outcome === 'not met') notMet++;
  }
  const { user, system } = process.cpuUsage();
  const cpuSeconds = (user + system) / 1e6;
  const end: SliceEnd = { all: all.length, tried: mine.length, notMet, same, cpuSeconds, failed };
  console.log(JSON.stringify(end));
}

// Those that leave the same go to one process.
function partOf(cells: readonly Cell[], first: number, step: number): Cell[] {
  const groups = new Map<unknown, Cell[]>();
  for (const cell of cells) {
    const key = cell.leaves ?? cell;
    groups.set(key, [...(groups.get(key) ?? []), cell]);
  }
  return [...groups.values()].filter((_, at) => at % step === first).flat();
}

await main(process.argv.slice(2));
