import assert from 'node:assert/strict';
import test from 'node:test';
import { recallHeld } from '../../../src/app/recovery/held.ts';
import { freshMemory } from '../../../src/app/rollout/slot-run.ts';
import { encodeState } from '../../../src/core/service/labels.ts';
import type { Ports } from '../../../src/ports/ports.ts';

const STATE = { role: 'replica', service: 'web', slot: 'web', roll: 'r', at: '2026-01-01T00:00:00Z' } as const;

/** The recalled policy of an incumbent that has the one policy, while its successor records the other. */
async function recalled(old: string, replaces: string, successor: string): Promise<unknown> {
  const policies: Record<string, string> = { old, next: successor };
  const engine = {
    list: async () => [
      { id: 'old', imageId: 'image', labels: {} },
      { id: 'next', imageId: 'image', labels: encodeState({ ...STATE, replaces }) },
    ],
    images: async () => [{ id: 'image', labels: {} }],
    container: async (id: string) => ({ id, host: { RestartPolicy: { Name: policies[id] } } }),
  };
  const memory = freshMemory();
  await recallHeld({ engine } as unknown as Ports, memory, 'old');
  return memory.held.get('old');
}

test('the restart policy of a container that was held is recalled from the one that was to replace it', async () => {
  assert.deepEqual(await recalled('unless-stopped', 'old', 'always'), { Name: 'always' });
});

test('nothing is recalled where nothing was taken, as with --rm and on engines that can not change it', async () => {
  assert.equal(await recalled('no', 'old', 'no'), undefined);
  assert.equal(await recalled('unless-stopped', 'old', 'unless-stopped'), undefined);
});

test('nor from one that replaces another', async () => {
  assert.equal(await recalled('unless-stopped', 'another', 'always'), undefined);
});
