import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { systemHost } from '../../../src/adapters/host/host.ts';

const host = systemHost({ logins: async () => [], isTrusted: async () => false, options: [] });

/** The holder name of a process of that id on this machine. */
function holderOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  const [name, bootId, namespace] = host.holder.split(' ');
  return [name, bootId, namespace, pid, started].join(' ');
}

test('a process knows itself as alive, and one that never was as dead', () => {
  assert.equal(host.isAlive(host.holder), true);
  assert.equal(host.isAlive(host.holder.replace(/\d+$/, '1')), false, 'another start time: the pid was used again');
});

test('of a process in another place there is no telling', () => {
  assert.equal(host.isAlive(host.holder.replace(/ \S+ /, ' another-boot ')), undefined);
});

test('a process that is dead and not yet collected by its parent is dead', async (t) => {
  // After exec the shell's child has a parent that never waits for it.
  const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
  t.after(() => parent.kill('SIGKILL'));
  const [said] = (await once(parent.stdout, 'data')) as [Buffer];
  const pid = Number(String(said));
  const holder = holderOf(pid);
  assert.equal(host.isAlive(holder), true);
  process.kill(pid, 'SIGKILL');
  while (!/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))) await new Promise(setImmediate);
  assert.equal(host.isAlive(holder), false);
});
