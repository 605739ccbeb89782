// The table of tests and engines: brings up one engine after the other, runs the suites on it, and prints a table.
// By hand: npm run test:engines -- --engine sid --engine podman --suite roll --log DIR
//          npm run test:engines -- --engine sid --binaries DIR    with the programs in DIR before those of the suite

import { chmodSync, createWriteStream, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { formatDuration } from '../../src/core/text/duration.ts';
import { engineFacts } from '../lab/engine.ts';
import { type EngineKind, endOnMistake, LabError, type OtherEngine, startEngine } from '../lab/engines.ts';
import { enter } from '../lab/netns.ts';
import { nftVersion } from '../lab/nft.ts';
import { startTree, type Tree } from './tree.ts';

/** An engine of real users: the kind, and its name in the table. */
const ENGINES: readonly EngineKind[] = [
  'bookworm',
  'trixie',
  'sid',
  'sid-like-29',
  'podman',
  'podman-trixie',
  'podman-sid',
];

/** By suite, its files. */
const FILES = {
  recreate: ['engine/recreate/recreate', 'full/recreate/recreate-more'],
  roll: ['engine/roll/roll', 'full/roll/roll-more'],
  check: ['engine/update/check', 'full/update/check-more'],
  update: ['engine/update/update', 'full/update/owned', 'full/update/update-more'],
  handover: ['engine/traffic/handover', 'full/traffic/handover-exits'],
  forward: ['engine/traffic/forward', 'full/traffic/forward-more', 'full/traffic/forward-networks'],
  compose: ['engine/compose/compose', 'full/compose/compose-more'],
  'one-at-a-time': ['engine/roll/one-at-a-time', 'full/roll/lock'],
  backup: ['engine/roll/backup', 'full/roll/backup-more'],
};
type Suite = keyof typeof FILES;
const SUITES = Object.keys(FILES) as Suite[];

/** Suites with swapctl in their own process, or with requests to container addresses: they run in the engine's network namespace. */
const BESIDE_ENGINE: readonly Suite[] = ['forward', 'one-at-a-time'];

/** The suites that Podman skips, with the reason. */
const LEFT_OUT_OF_PODMAN: Partial<Record<Suite, string>> = {
  handover: 'Podman redirects published ports with rules of its own, so swapctl rolls what publishes them stop-first',
};

const { values } = parseArgs({
  options: {
    engine: { type: 'string', multiple: true, default: [...ENGINES] },
    suite: { type: 'string', multiple: true, default: [...SUITES] },
    /** The folder for the output of tests; a temporary folder by default. */
    log: { type: 'string', default: '' },
    binaries: { type: 'string' },
    join: { type: 'boolean', default: false },
  },
});

/** A longer suite hangs: it is ended, and counts as failed. Alone on two cores the longest takes some 5 minutes. */
const LIMIT_MS = 40 * 60_000;

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const REPORTER = path.join(ROOT, 'scripts/counting-reporter.mjs');

/** In the form of the counting reporter. */
interface Outcome {
  pass?: number;
  fail?: number;
  cancelled?: number;
  skipped?: number;
  failures?: string[];
  leftOut?: { name: string; why: string }[];
}

interface Cell extends Outcome {
  engine: string;
  suite: string;
  ms: number;
}

// Ctrl-C ends the running suite; its engine is still to be taken down.
let interrupted = false;
let running: Tree | undefined;
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    interrupted = true;
    running?.kill(signal);
  });

// An engine that is interrupted at its start fails.
await main().catch((error) => (interrupted ? undefined : endOnMistake(error)));
if (interrupted) process.exitCode = 130;

async function main(): Promise<void> {
  const engines = known(values.engine, ENGINES);
  const suites = known(values.suite, SUITES);
  const { binaries } = values;
  if (binaries && engines.length !== 1) throw new LabError('--binaries needs one --engine that they run on');
  const folder = values.log || mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-engines-'));
  mkdirSync(folder, { recursive: true });
  console.error(`what the tests print is in ${folder}`);
  const titles = new Map<string, string>();
  const cells: Cell[] = [];
  for (const kind of engines) {
    if (interrupted) break;
    const engine = await startEngine(kind, { fresh: !values.join, ...(binaries ? { binaries } : {}) });
    try {
      titles.set(kind, await titleOf(kind, engine));
      for (const suite of suites) {
        if (interrupted) break;
        const why = isPodman(kind) ? LEFT_OUT_OF_PODMAN[suite] : undefined;
        const cell = why ? leftOut(kind, suite, why) : await runSuite(kind, suite, engine, folder);
        // An interrupted suite has no result.
        if (!interrupted) cells.push(cell);
      }
    } finally {
      await engine.stop();
    }
  }
  print(titles, suites, cells);
  if (cells.some(failed)) process.exitCode = 1;
}

/** The named ones of a list; ends with the choices if a name is unknown. */
function known<T extends string>(named: readonly string[], all: readonly T[]): T[] {
  const unknown = named.find((name) => !all.some((one) => one === name));
  if (unknown !== undefined) throw new LabError(`there is no ${unknown}; there are ${all.join(', ')}`);
  return all.filter((one) => named.includes(one));
}

async function titleOf(kind: EngineKind, { docker, env }: OtherEngine): Promise<string> {
  const { version, containerdStore } = await engineFacts(docker);
  const parts = [
    `${isPodman(kind) ? 'Podman' : 'Docker'} ${version}`,
    ...(containerdStore ? ['containerd store'] : []),
    nftVersion(env),
  ];
  return parts.join(', ');
}

function isPodman(kind: EngineKind): boolean {
  return kind.startsWith('podman');
}

function leftOut(engine: EngineKind, suite: string, why: string): Cell {
  return { engine, suite, ms: 0, leftOut: [{ name: 'all of it', why }] };
}

async function runSuite(kind: EngineKind, suite: Suite, engine: OtherEngine, folder: string): Promise<Cell> {
  const began = Date.now();
  const counts = path.join(folder, `${kind}-${suite}.json`);
  const args = [
    '--import=tsx',
    '--test',
    `--test-timeout=${LIMIT_MS}`,
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
  ];
  const reporter = [`--test-reporter=${REPORTER}`, `--test-reporter-destination=${counts}`];
  const files = FILES[suite].map((file) => `test/${file}.test.ts`);
  const command = [process.execPath, ...args, ...reporter, '--test-concurrency=1', ...files];
  const log = createWriteStream(path.join(folder, `${kind}-${suite}.log`));
  const temporary = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-suite-'));
  // Containers of other users may read it, like the folder in its place.
  chmodSync(temporary, 0o1777);
  running = startTree(
    enter(BESIDE_ENGINE.includes(suite) ? engine.netns : undefined, command),
    ROOT,
    { ...engine.env, TMPDIR: temporary },
    log,
  );
  const status = await running.ended;
  log.end();
  rmSync(temporary, { recursive: true, force: true });
  const outcome: Outcome = JSON.parse(existsSync(counts) ? readFileSync(counts, 'utf8') || '{}' : '{}');
  // A runner that failed without a failed test must not count as a success.
  if (status !== 0 && !outcome.fail && !outcome.cancelled) outcome.fail = 1;
  const cell = { ...outcome, engine: kind, suite, ms: Date.now() - began };
  console.error(
    `${kind.padEnd(12)} ${suite.padEnd(14)} ${interrupted ? 'interrupted' : shown(cell)} in ${formatDuration(cell.ms)}`,
  );
  return cell;
}

function failed({ fail = 0, cancelled = 0 }: Cell): boolean {
  return fail + cancelled > 0;
}

function shown({ pass = 0, fail = 0, cancelled = 0, skipped = 0 }: Cell): string {
  if (pass + fail + cancelled + skipped === 0) return 'left out';
  const parts = [`${pass} passed`];
  if (fail + cancelled > 0) parts.push(`${fail + cancelled} failed`);
  if (skipped > 0) parts.push(`${skipped} left out`);
  return parts.join(', ');
}

function print(titles: ReadonlyMap<string, string>, suites: readonly string[], cells: readonly Cell[]): void {
  const row = (cols: readonly string[]): void => console.log(`| ${cols.join(' | ')} |`);
  row(['suite', ...titles.values()]);
  row(['---', ...[...titles].map(() => '---')]);
  for (const suite of suites) {
    const own = [...titles.keys()].map((kind) => cells.find((cell) => cell.engine === kind && cell.suite === suite));
    row([suite, ...own.map((cell) => (cell ? shown(cell) : '-'))]);
  }
  for (const cell of cells) {
    const where = `${titles.get(cell.engine)}, ${cell.suite}`;
    for (const name of cell.failures ?? []) console.log(`failed    ${where}: ${name}`);
    for (const { name, why } of cell.leftOut ?? []) console.log(`left out  ${where}: ${name} (${why})`);
  }
}
