// Each chosen proxy with each app, number of replicas, HEALTHCHECK and strategy.
import type { Scope } from '../../test/lab/world.ts';
import { type Cell, cellsOf, minutesFor } from './cells.ts';
import type { Options } from './options.ts';
import { printCells, printFailures } from './report.ts';
import { type CellResult, measureCell } from './roll.ts';

export interface Run {
  readonly scope: Scope;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** The image that holds the proxies. */
  readonly image: string;
  readonly options: Options;
}

export async function table(run: Run): Promise<void> {
  const { choice, rolls } = run.options;
  sayWhatIsMissing(run.options);
  const cells = cellsOf(choice);
  console.log(`\n${cells.length} cells, rolls in each: ${rolls}, about ${minutesFor(cells, rolls)} minutes\n`);
  const results: { cell: Cell; result: CellResult }[] = [];
  const failed: string[] = [];
  let printed = false;
  const print = () => {
    if (printed) return;
    printed = true;
    printCells(results);
    for (const one of failed) console.log(`NOT MEASURED: ${one}`);
  };
  // Hours of measuring are not lost by Ctrl-C.
  run.scope.after(async () => print());
  for (const cell of cells) {
    if (run.signal.aborted) return;
    console.error(`==> ${nameOf(cell)}`);
    const result = await measureCell(run.scope, run.image, cell, rolls).catch((error: Error) => error);
    if (result instanceof Error) failed.push(`${nameOf(cell)}: ${result.message}`);
    else results.push({ cell, result });
    if (!(result instanceof Error))
      for (const [what, measured] of Object.entries(result)) printFailures(what, measured);
  }
  print();
}

function nameOf({ proxy, app, replicas, health, strategies }: Cell): string {
  const how = `HEALTHCHECK ${health}, app ${app}, replicas ${replicas}`;
  return `${proxy.name}, ${how}, ${strategies.join(' and ')}`;
}

function sayWhatIsMissing({ missing, binaries, choice }: Options): void {
  for (const { name, files } of missing) {
    const where = binaries === undefined ? 'give a folder that has it by --binaries' : `${binaries} does not have it`;
    console.log(`LEFT OUT: ${name}, which needs ${files.join(' and ')}: ${where}`);
  }
  if (!choice.slowForAll)
    console.log('LEFT OUT: HEALTHCHECK every 30 s for proxies that do not ask the engine (--health 30s)');
  if (choice.replicas.includes(2) && choice.strategies.includes('handover')) {
    console.log('LEFT OUT: handover with 2 replicas, since a fixed host port belongs to one container');
  }
}
