import assert from 'node:assert/strict';
import test from 'node:test';
import { halfDoneOf } from '../../../src/app/recovery/half-done.ts';
import { encodeState } from '../../../src/core/service/labels.ts';
import { groupServices } from '../../../src/core/service/service.ts';
import { summary } from '../../core/builders.ts';

const STATE = { role: 'replica', service: 'web', slot: 'web', roll: 'r', at: '2026-01-01T00:00:00Z' } as const;
const ROLLED = summary({ id: 'new', name: 'web', labels: encodeState({ ...STATE, replaces: 'gone' }) });
const mate = (networkOf: string, status: 'running' | 'exited' = 'running') =>
  summary({ id: 'mate', name: 'mate', networkOf, status });

function halfDone(...others: ReturnType<typeof summary>[]): string[] {
  const all = [ROLLED, ...others];
  return groupServices(all).flatMap((service) => halfDoneOf(service, all).map(({ slotName }) => slotName));
}

test('a slot is not whole as long as others live in the network of the container that is gone', () => {
  assert.deepEqual(halfDone(mate('gone')), ['web']);
});

test('it is where nobody does, or nobody that runs, or where that container is still there', () => {
  assert.deepEqual(halfDone(), []);
  assert.deepEqual(halfDone(mate('new')), []);
  assert.deepEqual(halfDone(mate('gone', 'exited')), []);
  assert.deepEqual(halfDone(mate('gone'), summary({ id: 'gone', name: 'elsewhere' })), []);
});
