// The output of the benchmark: tables on stdout, and on stderr the times of failed requests between the steps of the roll.
import { printTable, seconds } from '../table.ts';
import type { Cell } from './cells.ts';
import type { Failure } from './clients.ts';
import type { Happened } from './events.ts';
import type { Measured } from './measure.ts';
import type { CellResult } from './roll.ts';
import { READY_AFTER_MS } from './stage.ts';

const HEAD = ['proxy', 'HEALTHCHECK', 'app', 'replicas', 'strategy', 'failed', 'gap', 'switched', 'retired', 'roll'];

const LEGEND = `
The app is ready ${READY_AFTER_MS / 1000} s after its start, and answers 503 until then. gap: the longest time without a good answer for one of the
four clients (GET and POST, on kept and on new connections). From the start of the command: switched is the first answer of
the new version, retired the end of the last old container. All times are the slowest of all rolls. Without a roll, another
container that the proxy finds comes and goes: a proxy that loads its configuration anew resets connections of clients by itself.`;

export function printCells(results: readonly { readonly cell: Cell; readonly result: CellResult }[]): void {
  const rows = results.flatMap(({ cell, result }) =>
    cell.strategies.flatMap((strategy) => {
      const measured = result[strategy] ?? [];
      const { proxy, health, app, replicas } = cell;
      const about = [proxy.name, health, app, `${replicas}`, strategy];
      return measured.length === 0 ? [] : [[...about, ...figures(measured), failedOf(result.control ?? [])]];
    }),
  );
  printTable([...HEAD, 'failed without a roll'], rows);
  console.log(LEGEND);
}

/** Failed requests, the longest gap, and the slowest of each time, of all rolls. */
export function figures(measured: readonly Measured[]): string[] {
  const slowest = (times: readonly (number | undefined)[]) =>
    times.includes(undefined) ? '-' : seconds(Math.max(...(times as number[])));
  return [
    failedOf(measured),
    slowest(measured.map((one) => one.longestGapMs)),
    slowest(measured.map((one) => one.switchedMs)),
    slowest(measured.map((one) => one.retiredMs)),
    slowest(measured.map((one) => one.commandMs)),
  ];
}

export function failedOf(measured: readonly Measured[]): string {
  const failures = measured.flatMap((one) => one.failures);
  const requests = measured.reduce((sum, one) => sum + one.requests, 0);
  const kinds = new Map<string, number>();
  for (const { error } of failures) kinds.set(error, (kinds.get(error) ?? 0) + 1);
  const why = [...kinds].map(([error, count]) => `${count} × ${error}`).join(', ');
  return `${failures.length} of ${requests}${why && ` (${why})`}`;
}

/** When requests failed, and what happened meanwhile; nothing if none failed. */
export function printFailures(name: string, measured: readonly Measured[]): void {
  for (const { failures, happened, began } of measured.filter((one) => one.failures.length > 0)) {
    console.error(`    ${name}: ${failures.length} failed`);
    const lines = [...grouped(failures), ...happened];
    for (const { at, what } of lines.toSorted((a, b) => a.at - b.at))
      console.error(`      ${moment(at - began)}  ${what}`);
  }
}

// Failures of one kind that are no further apart are one line.
const APART_MS = 300;

function grouped(failures: readonly Failure[]): Happened[] {
  const groups: { at: number; last: number; count: number; error: string }[] = [];
  for (const { at, error } of failures) {
    const open = groups.findLast((group) => group.error === error && at - group.last < APART_MS);
    if (open) Object.assign(open, { last: at, count: open.count + 1 });
    else groups.push({ at, last: at, count: 1, error });
  }
  return groups.map(({ at, last, count, error }) => ({
    at,
    what: `FAILED for ${Math.round(last - at)} ms: ${count} × ${error}`,
  }));
}

function moment(ms: number): string {
  return `${(ms / 1000).toFixed(3)} s`.padStart(9);
}
