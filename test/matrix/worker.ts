// A worker process of run.ts: answers each message of its parent with the cells of a setup, or with results of cells.
import { type Cell, type Result, tryCell } from './cell.ts';
import { cellsOf, cellText } from './cells.ts';
import type { SetupName } from './setups.ts';

/** A task of a worker. */
export type Task = { readonly list: SetupName } | { readonly cells: readonly Cell[] };

/** The results of some cells. */
export interface CellsEnd {
  readonly tried: number;
  readonly notMet: number;
  /** Of those tried: cells that leave the same machine as another one, with the same result. */
  readonly same: number;
  /** Since the last result, or since the start of the process. */
  readonly cpuSeconds: number;
  readonly failed: readonly { readonly cell: string; readonly why: string }[];
}

let cpu: NodeJS.CpuUsage = { user: 0, system: 0 };

process.on('message', async (task: Task) => {
  process.send?.('list' in task ? await cellsOf(task.list) : await tryAll(task.cells));
});

// Of cells with the same remains, the first counts.
async function tryAll(cells: readonly Cell[]): Promise<CellsEnd> {
  const ends = new Map<string, Result>();
  const failed: { cell: string; why: string }[] = [];
  let notMet = 0;
  let same = 0;
  for (const cell of cells) {
    const known = ends.get(cell.leaves ?? '');
    const result = known ?? (await tryCell(cell));
    if (known) same++;
    if (cell.leaves !== undefined) ends.set(cell.leaves, result);
    if (!result.safe) failed.push({ cell: cellText(cell), why: result.why });
    else if (result.outcome === 'not met') notMet++;
  }
  return { tried: cells.length, notMet, same, cpuSeconds: cpuSeconds(), failed };
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage(cpu);
  cpu = process.cpuUsage();
  return (user + system) / 1e6;
}
