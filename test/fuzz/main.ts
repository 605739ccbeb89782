// npm run fuzz [-- --minutes N --only WORD]: every fuzzer in turn, with other inputs each time, until the time is over.
import { randomInt } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { TARGETS } from './all.ts';
import { mustBeLinear, type Target } from './target.ts';

const MINUTE_MS = 60_000;
// A turn is short, so that all come to theirs in a short run, too.
const TURN_MS = 2000;

interface Score {
  readonly target: Target;
  ms: number;
  inputs: number;
  readonly findings: string[];
}

async function main(): Promise<number> {
  const options = { minutes: { type: 'string', default: '1' }, only: { type: 'string', default: '' } } as const;
  const { minutes, only } = parseArgs({ options }).values;
  const totalMs = Number(minutes) * MINUTE_MS;
  if (!(totalMs > 0)) throw new Error(`--minutes ${minutes}: it is a number of minutes`);
  const scores = TARGETS.filter(({ name }) => name.includes(only)).map((target): Score => {
    return { target, ms: 0, inputs: 0, findings: [] };
  });
  if (scores.length === 0) throw new Error(`--only ${only}: no fuzzer is called like that`);
  for (const score of scores) await timed(score);
  const began = performance.now();
  for (let turn = 0; performance.now() - began < totalMs; turn++) {
    const score = scores[turn % scores.length];
    if (score) await takeTurn(score, Math.min(TURN_MS, totalMs / scores.length));
  }
  print(scores);
  return scores.some(({ findings }) => findings.length > 0) ? 1 : 0;
}

async function takeTurn(score: Score, ms: number): Promise<void> {
  const began = performance.now();
  const seed = randomInt(2 ** 31);
  const result = await fc.check(score.target.property, {
    seed,
    numRuns: 10_000_000,
    interruptAfterTimeLimit: ms,
    markInterruptAsFailure: false,
  });
  score.ms += performance.now() - began;
  score.inputs += result.numRuns + result.numShrinks;
  if (result.failed) found(score, `${fc.defaultReportMessage(result)}\n${String(result.errorInstance)}`);
}

async function timed(score: Score): Promise<void> {
  const began = performance.now();
  try {
    await mustBeLinear(score.target);
  } catch (error) {
    found(score, String(error));
  }
  score.ms += performance.now() - began;
}

function found({ target, findings }: Score, what: string): void {
  findings.push(what);
  if (findings.length <= 3) console.log(`FOUND ${target.name}: ${what.slice(0, 4000)}\n`);
}

function print(scores: readonly Score[]): void {
  const rows = scores.map(({ target, ms, inputs, findings }) => [
    target.name,
    (ms / MINUTE_MS).toFixed(2),
    `${inputs}`,
    `${findings.length}`,
  ]);
  const sum = (of: (score: Score) => number): number => scores.reduce((total, score) => total + of(score), 0);
  const total = ['all', (sum(({ ms }) => ms) / MINUTE_MS).toFixed(2), `${sum((one) => one.inputs)}`];
  const all = [
    ['fuzzer', 'minutes', 'inputs', 'findings'],
    ...rows,
    [...total, `${sum((one) => one.findings.length)}`],
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  for (const row of all)
    console.log(
      row.map((cell, at) => (at === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[at] ?? 0))).join('  '),
    );
}

process.env.SWAPCTL_FUZZ = 'long';
process.exitCode = await main();
