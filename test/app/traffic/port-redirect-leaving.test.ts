// Before a container rejects new connections, the port redirect learns that it leaves.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { freshMemory, type SlotRun } from '../../../src/app/rollout/slot-run.ts';
import type { Snapshot } from '../../../src/app/rollout/snapshot.ts';
import { redirectPorts, renewPortRedirect } from '../../../src/app/traffic/port-redirect.ts';
import type { PortRedirect } from '../../../src/core/traffic/routes.ts';
import { container, policy } from '../../core/builders.ts';

const OLD = container({ id: 'old', name: 'web', networks: { shop: { IPAddress: '172.18.0.2' } } });
const STAND_IN = container({
  id: 'new',
  name: 'web.swapctl-stand-in',
  networks: { shop: { IPAddress: '172.18.0.9' } },
});

/** The calls of the kernel port: the leaving addresses. */
function scene(state: PortRedirect) {
  const told: [string, readonly string[] | undefined][] = [];
  const run = {
    memory: freshMemory(),
    names: { slotName: 'web' },
    policy: policy(),
    ports: {
      engine: { bridges: async () => [] },
      kernel: {
        setPortRedirect: async (_: string, { leaving }: { leaving: string[] }) => void told.push(['set', leaving]),
        endPortRedirect: async (_: string, leaving?: string[]) => void told.push(['end', leaving]),
      },
    },
  } as unknown as SlotRun;
  const snapshot = { incumbent: OLD, standIn: STAND_IN, seen: { portRedirect: state } } as unknown as Snapshot;
  return { run, snapshot, told };
}

suite('a port redirect', () => {
  test('has nobody leave before the drain', async () => {
    const { run, snapshot, told } = scene('none');
    await redirectPorts(run, snapshot, false);
    assert.deepEqual(told, [['set', []]]);
  });

  test('has the old container leave from the end of its drain on', async () => {
    const { run, snapshot, told } = scene('expiring');
    await renewPortRedirect(run, 'old', snapshot);
    run.memory.rejecting.add('old');
    await redirectPorts(run, snapshot, true);
    assert.deepEqual(told, [
      ['set', ['172.18.0.2']],
      ['set', ['172.18.0.2']],
    ]);
  });

  test('has the stand-in leave at its own drain', async () => {
    const { run, snapshot, told } = scene('over');
    await renewPortRedirect(run, 'new', snapshot);
    assert.deepEqual(told, [['end', ['172.18.0.9']]]);
  });
});
