import assert from 'node:assert/strict';
import test from 'node:test';
import { identityOf, remembered } from '../../../../src/adapters/docker/engine/facts.ts';
import type { EngineFacts } from '../../../../src/ports/ports.ts';

/** Requests for facts at some instants, with the number of the request behind each answer; odd numbers fail. */
function asking() {
  let [now, asked] = [0, 0];
  const facts = remembered(
    async () => {
      asked += 1;
      if (asked % 2 === 1) throw new Error(`failure ${asked}`);
      return { version: String(asked) } as EngineFacts;
    },
    () => now,
  );
  return {
    at: async (ms: number) => {
      now = ms;
      return (await facts()).version;
    },
  };
}

test('facts of an engine are remembered for a minute, and a failure is not', async () => {
  const { at } = asking();
  await assert.rejects(at(0), /failure 1/);
  assert.equal(await at(1), '2');
  assert.equal(await at(59_000), '2');
  await assert.rejects(at(60_001), /failure 3/);
  assert.equal(await at(60_002), '4');
});

test('engines on one host are told apart by their data, and by their ID where that stays the same', () => {
  const docker = { ID: 'A:B', DockerRootDir: '/var/lib/docker' };
  const others = [
    { ...docker, DockerRootDir: '/srv/docker' },
    { ...docker, ID: 'C:D' },
  ];
  const ids = [docker, ...others].map((info) => identityOf(info, 'docker'));
  assert.equal(new Set(ids).size, 3);
  const podman = { ID: 'one', DockerRootDir: '/var/lib/containers/storage' };
  assert.equal(identityOf(podman, 'podman'), identityOf({ ...podman, ID: 'another' }, 'podman'));
  assert.notEqual(identityOf(podman, 'podman'), identityOf(docker, 'docker'));
});
