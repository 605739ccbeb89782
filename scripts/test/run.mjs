// Runs the test files of one lane, and says where the time went.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { root } from '../prepare/npm.mjs';
import { inForeground, say } from '../shell.mjs';
import { processesOf } from './lanes.mjs';
import { phasesOf } from './phases.mjs';
import { add, printSlowest } from './totals.mjs';

const PROGRAM = path.join(root, 'scripts/test/files.mjs');

/**
 * `patterns` choose tests by name; `whole` says that these are all files of the lane; `atOnce` is how many processes run at a time,
 * if not as many as the lane says. Nothing more runs once `interrupted` is true.
 */
export async function runTests(lane, files, { patterns, whole, atOnce, interrupted = () => false }, totals) {
  const slowest = [];
  for (const phase of phasesOf(lane, files, atOnce)) {
    if (interrupted()) break;
    const options = { patterns, atOnce: phase.atOnce };
    const unfinished = await runProcesses(processesOf(lane, phase.files, { whole }), options, totals, slowest);
    if (unfinished.length > 0) await runAlone(unfinished, options, totals, slowest);
  }
  printSlowest(slowest);
}

function runAlone(files, options, totals, slowest) {
  say(`A test ended a process that several files shared. These run again, each alone: ${files.join(' ')}`);
  totals.failed += 1;
  return runProcesses(
    files.map((file) => [file]),
    options,
    totals,
    slowest,
  );
}

/** Resolves with the files whose shared process ended before all their tests had run. Adds to the totals, and to the slowest. */
async function runProcesses(processes, { patterns, atOnce }, totals, slowest) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-'));
  const written = (name) => readFileSync(path.join(folder, name), { encoding: 'utf8', flag: 'a+' });
  const what = { folder, atOnce, patterns, processes };
  // Files of a run share things in the folder, too.
  const env = { ...process.env, SWAPCTL_TEST_RUN: String(process.pid), SWAPCTL_TEST_FOLDER: folder };
  try {
    const node = ['--import=tsx', PROGRAM, JSON.stringify(what)];
    const status = await inForeground(process.execPath, node, { cwd: root, env });
    const told = JSON.parse(written('counts.json') || '{}');
    slowest.push(...(told.slowest ?? []));
    // A runner that failed without a failed test (a crash, a bad option) must not pass for a success.
    add(totals, status !== 0 && !told.fail && !told.cancelled ? { fail: 1 } : told);
    return JSON.parse(written('unfinished.json') || '[]');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
