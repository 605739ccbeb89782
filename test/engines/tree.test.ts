import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import test from 'node:test';
import { startTree } from './tree.ts';

// The first child has a group of its own, as a daemon has; the second one does not care for SIGINT.
const TWO_CHILDREN = `
  read -r own < <(setsid sh -c 'echo $$; exec sleep 1000')
  read -r deaf < <(trap '' INT TERM; echo $BASHPID; while :; do sleep 1; done)
  echo "$own and $deaf run"`;

async function started(then: string) {
  const output = new PassThrough().setEncoding('utf8');
  const tree = startTree(['bash', '-c', `${TWO_CHILDREN}\n${then}`], '/', process.env, output);
  const [line] = await once(createInterface(output), 'line');
  return { tree, pids: String(line).match(/\d+/g)?.map(Number) ?? [] };
}

function runs(pid: number): boolean {
  // One that has ended may wait for its parent to ask for its status.
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  return stdout.trim() !== '' && !stdout.startsWith('Z');
}

test('an interrupted program takes with it what it has started, in whatever group that is, and nothing else', async () => {
  const [one, other] = await Promise.all([started('exec sleep 1000'), started('exec sleep 1000')]);
  one.tree.kill('SIGINT');
  assert.equal(await one.tree.ended, null);
  assert.deepEqual([...one.pids, ...other.pids].map(runs), [false, false, true, true]);
  other.tree.kill('SIGTERM');
  await other.tree.ended;
  assert.deepEqual(other.pids.map(runs), [false, false]);
});

test('a program that ends by itself leaves nothing behind', async () => {
  const { tree, pids } = await started('exit 3');
  assert.equal(await tree.ended, 3);
  assert.deepEqual(pids.map(runs), [false, false]);
});
