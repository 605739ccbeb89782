// Runs the test files of one lane, and says where the time went.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { root } from '../prepare/npm.mjs';
import { inForeground } from '../shell.mjs';
import { LANES, longestFirst } from './lanes.mjs';
import { add, printSlowest } from './totals.mjs';

const PROGRAM = path.join(root, 'scripts/test/files.mjs');

/** `patterns` choose tests by name. */
export async function runTests(lane, files, patterns, totals) {
  if (files.length === 0) return;
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-'));
  const counts = path.join(folder, 'counts.json');
  const what = { counts, atOnce: LANES[lane].atOnce, patterns, files: longestFirst(files) };
  // The folder is for what the files of a run share.
  const env = { ...process.env, SWAPCTL_TEST_RUN: String(process.pid), SWAPCTL_TEST_FOLDER: folder };
  try {
    const node = ['--import=tsx', PROGRAM, JSON.stringify(what)];
    const status = await inForeground(process.execPath, node, { cwd: root, env });
    const told = JSON.parse(readFileSync(counts, { encoding: 'utf8', flag: 'a+' }) || '{}');
    printSlowest(told.slowest ?? []);
    // A runner that failed without a failed test (a crash, a bad option) must not pass for a success.
    add(totals, status !== 0 && !told.fail && !told.cancelled ? { fail: 1 } : told);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
