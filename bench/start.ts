// How long `swapctl --version` takes, against a Node that does nothing: npm run bench -- start [rounds]
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { median, printTable, spread } from './table.ts';

const SWAPCTL = fileURLToPath(new URL('../dist/swapctl.js', import.meta.url));
const rounds = Number(process.argv[2] ?? 40);

const bare: number[] = [];
const version: number[] = [];
for (let round = 0; round < rounds; round++) {
  bare.push(time(['-e', '0']));
  version.push(time([SWAPCTL, '--version']));
}
// Each against its neighbour in time: what else the machine does slows down both.
const ratios = version.map((ms, at) => ms / (bare[at] ?? Number.NaN));
printTable(
  ['program', 'time', 'of bare Node'],
  [
    ['node -e 0', `${median(bare).toFixed(0)} ms`, '1.00'],
    ['swapctl --version', `${median(version).toFixed(0)} ms`, `${median(ratios).toFixed(2)} (${spread(ratios)})`],
  ],
);

function time(args: string[]): number {
  const began = performance.now();
  const { status } = spawnSync(process.execPath, args, { stdio: 'ignore' });
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}`);
  return performance.now() - began;
}
