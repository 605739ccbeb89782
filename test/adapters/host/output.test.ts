// The surroundings of the program: the receiver of its output, and its folder.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { SWAPCTL } from '../../lab/cli.ts';
import { missingBuild } from '../../lab/missing.ts';

const skip = missingBuild();

/** Runs a line of the shell in which `"$@"` is swapctl. */
function inShell(line: string): { status: number | null; stderr: string } {
  return spawnSync('sh', ['-c', line, 'sh', process.execPath, SWAPCTL], { encoding: 'utf8' });
}

function temporary(t: TestContext): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('a full disk under stdout is told, and is no success', { skip }, () => {
  const { status, stderr } = inShell('"$@" --help > /dev/full');
  assert.equal(status, 3);
  assert.match(stderr, /^swapctl: stdout can't be written to: ENOSPC.*\n {2}the changes of the command stand/);
});

test('a reader that goes away is no failure', { skip }, (t) => {
  const folder = temporary(t);
  const { status, stderr } = inShell(`cd ${folder}; mkfifo f; exec 3<>f 4>f 3<&-; "$@" --help >&4`);
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
});

test('a removed current folder is told, and nothing is looked for elsewhere', { skip }, (t) => {
  const folder = temporary(t);
  for (const command of ['status', 'roll web', 'config check', 'dev web --build .', 'install --cron --print']) {
    const { status, stderr } = inShell(`mkdir ${folder}/in; cd ${folder}/in; rmdir ${folder}/in; "$@" ${command}`);
    assert.equal(status, 2, command);
    assert.match(stderr, /^swapctl: the current folder was removed\n/, command);
  }
  assert.equal(inShell(`cd ${folder}; rmdir ${folder}; "$@" --version`).status, 0);
});
