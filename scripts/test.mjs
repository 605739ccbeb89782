// npm test [-- FILE… or options of node's test runner]
//
// Prepares a fresh clone, runs the tests without an engine and then those with one, and leaves nothing behind.
// The last line is `N passed, N failed` (and skipped, if any).
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build } from './build.mjs';
import { engine } from './engine.mjs';
import { removeLeftovers } from './leftovers.mjs';
import { needsOf } from './prepare/needs.mjs';
import { root } from './prepare/npm.mjs';
import { prepare } from './prepare.mjs';
import { exitWith, Failure, inForeground, outliveInterrupts, say } from './shell.mjs';

const ENGINE_TESTS = `test${path.sep}engine${path.sep}`;

const interrupted = outliveInterrupts();

async function main(args) {
  const options = args.filter((arg) => arg.startsWith('-'));
  const named = args.filter((arg) => !arg.startsWith('-')).map((file) => path.relative(root, path.resolve(file)));
  const files = named.length > 0 ? named : allTests();
  const needsEngine = (file) => file.startsWith(ENGINE_TESTS);
  const totals = { passed: 0, failed: 0, skipped: 0 };

  await prepare(needsOf(files), { onEngine: files.some(needsEngine) });
  await attemptBuild(totals);
  add(
    totals,
    await runTests(
      files.filter((file) => !needsEngine(file)),
      os.availableParallelism(),
      options,
    ),
  );
  if (files.some(needsEngine) && !interrupted()) await onEngine(files.filter(needsEngine), options, totals);

  console.log(summary(totals));
  if (interrupted()) return 130;
  return totals.failed > 0 ? 1 : 0;
}

/** Tests that don't need the program say more about a broken build than its absence would; it counts as a failure. */
async function attemptBuild(totals) {
  try {
    await build();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    say(error.message);
    totals.failed += 1;
  }
}

async function onEngine(files, options, totals) {
  const running = await engine();
  try {
    // They mostly wait, each in a world of its own; more than two at a time would starve the clients on a small machine.
    if (!interrupted()) add(totals, await runTests(files, 2, options));
  } finally {
    await removeLeftovers();
    await running.stop();
  }
}

async function runTests(files, concurrency, options) {
  if (files.length === 0) return {};
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-'));
  const counts = path.join(folder, 'counts.json');
  const node = [
    '--import=tsx',
    '--test',
    `--test-concurrency=${concurrency}`,
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    `--test-reporter=${path.join(root, 'scripts/counting-reporter.mjs')}`,
    `--test-reporter-destination=${counts}`,
    ...options,
    ...files,
  ];
  // The folder is for what the files of a run share.
  const env = { ...process.env, SWAPCTL_TEST_RUN: String(process.pid), SWAPCTL_TEST_FOLDER: folder };
  try {
    const status = await inForeground(process.execPath, node, { cwd: root, env });
    const totals = JSON.parse(readFileSync(counts, 'utf8') || '{}');
    // A runner that failed without a failed test (a crash, a bad option) must not pass for a success.
    if (status !== 0 && !totals.fail && !totals.cancelled) return { fail: 1 };
    return totals;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function add(totals, { pass = 0, fail = 0, cancelled = 0, skipped = 0 }) {
  totals.passed += pass;
  totals.failed += fail + cancelled;
  totals.skipped += skipped;
}

function summary({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

function allTests() {
  return readdirSync(path.join(root, 'test'), { recursive: true })
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => path.join('test', file))
    .sort();
}

exitWith(main(process.argv.slice(2)));
