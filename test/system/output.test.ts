// What surrounds the program: where its output goes, and the folder that it is called in.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { SWAPCTL } from '../lab/cli.ts';

/** Runs a line of the shell in which `"$@"` is swapctl. */
function inShell(line: string, cwd?: string): { status: number | null; stderr: string } {
  return spawnSync('sh', ['-c', line, 'sh', process.execPath, SWAPCTL], { encoding: 'utf8', cwd });
}

test('a full disk under stdout is told, and is no success', () => {
  const { status, stderr } = inShell('"$@" --help > /dev/full');
  assert.equal(status, 3);
  assert.match(stderr, /^swapctl: stdout can't be written to: ENOSPC.*\n {2}what the command did stands/);
});

test('a reader that goes away is no failure', () => {
  const { status, stderr } = inShell('{ "$@" --help; echo $? >&2; } | true');
  assert.equal(status, 0);
  assert.equal(stderr, '0\n');
});

test('a removed current folder is told, and nothing is looked for elsewhere', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-'));
  for (const command of ['status', 'roll web', 'config check', 'dev web --build .', 'install --cron']) {
    const { status, stderr } = inShell(`mkdir -p ${folder}/in; cd ${folder}/in; rmdir ${folder}/in; "$@" ${command}`);
    assert.equal(status, 2, command);
    assert.match(stderr, /^swapctl: the folder that you are in was removed\n/, command);
  }
  assert.equal(inShell(`cd ${folder}; rmdir ${folder}; "$@" --version`).status, 0);
});
