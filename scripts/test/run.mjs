// Runs the test files of one lane, and says where the time went.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { root } from '../prepare/npm.mjs';
import { inForeground, say } from '../shell.mjs';
import { LANES, processesOf } from './lanes.mjs';
import { add, printSlowest } from './totals.mjs';

const PROGRAM = path.join(root, 'scripts/test/files.mjs');

/**
 * `patterns` choose tests by name; `whole` says that these are all files of the lane; `atOnce` is how many processes run at a time,
 * if not as many as the lane says.
 */
export async function runTests(lane, files, { patterns, whole, atOnce = LANES[lane].atOnce }, totals) {
  if (files.length === 0) return;
  const unfinished = await runProcesses(processesOf(lane, files, { whole }), { patterns, atOnce }, totals);
  if (unfinished.length === 0) return;
  say(`A test ended a process that several files shared. These run again, each alone: ${unfinished.join(' ')}`);
  totals.failed += 1;
  const alone = unfinished.map((file) => [file]);
  await runProcesses(alone, { patterns, atOnce }, totals);
}

/** Resolves with the files whose shared process ended before all their tests had run. */
async function runProcesses(processes, { patterns, atOnce }, totals) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-'));
  const written = (name) => readFileSync(path.join(folder, name), { encoding: 'utf8', flag: 'a+' });
  const what = { folder, atOnce, patterns, processes };
  // Files of a run share things in the folder, too.
  const env = { ...process.env, SWAPCTL_TEST_RUN: String(process.pid), SWAPCTL_TEST_FOLDER: folder };
  try {
    const node = ['--import=tsx', PROGRAM, JSON.stringify(what)];
    const status = await inForeground(process.execPath, node, { cwd: root, env });
    const told = JSON.parse(written('counts.json') || '{}');
    printSlowest(told.slowest ?? []);
    // A runner that failed without a failed test (a crash, a bad option) must not pass for a success.
    add(totals, status !== 0 && !told.fail && !told.cancelled ? { fail: 1 } : told);
    return JSON.parse(written('unfinished.json') || '[]');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
