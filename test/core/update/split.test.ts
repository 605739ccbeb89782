import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { encodeState, type StateNote } from '../../../src/core/service/labels.ts';
import { type RunningReplica, splitOf } from '../../../src/core/update/split.ts';
import { decoded } from '../own.ts';

const [V1, V2, V3] = ['1', '2', '3'].map((digit) => `sha256:${digit.repeat(64)}`) as [string, string, string];

const BEFORE = Date.parse('2026-01-01T00:00:00Z');

function replica(slot: string, imageId: string, note?: Partial<StateNote>, createdAt = BEFORE): RunningReplica {
  const labels = note && encodeState({ role: 'replica', service: 'shop/web', slot, roll: 'r', ...note });
  return { slot, imageId, reference: 'shop:1', createdAt, state: labels && decoded(labels) };
}

const rolled = (slot: string, minute: number, more: Partial<StateNote> = {}): RunningReplica =>
  replica(slot, V2, { at: `2026-01-01T00:0${minute}:00Z`, follows: 'shop:2', image: V2, imageBefore: V1, ...more });

test('a roll that died between two replicas', () => {
  const history = [{ at: '2026-01-01T00:00:00Z', follows: 'shop:2', id: V2, event: 'rolled-back' }] as const;
  assert.deepEqual(splitOf([replica('a', V1), rolled('b', 2, { history }), replica('c', V1)]), {
    to: { follows: 'shop:2', id: V2, digest: undefined },
    ahead: ['b'],
    from: { follows: 'shop:1', id: V1, digest: undefined },
    behind: ['a', 'c'],
    event: 'rolled-back',
  });
});

test('the newest roll says which way', () => {
  const back = replica('b', V1, { at: '2026-01-01T00:05:00Z', follows: 'shop:2', image: V1, imageBefore: V2 });
  assert.equal(splitOf([rolled('a', 2), back])?.to.id, V1);
});

test('a roll that died at a replica whose old container, gone with --rm, was created again', () => {
  const restored = { at: '2026-01-01T00:05:00Z', follows: 'shop:2', image: V1, roll: 'r-restored' };
  const again = replica('b', V1, restored, BEFORE + 300_000);
  assert.deepEqual(splitOf([rolled('a', 2), again])?.behind, ['b']);
  assert.equal(
    splitOf([rolled('a', 2), replica('b', V1, { ...restored, roll: 'q-restored' }, BEFORE + 300_000)]),
    undefined,
  );
});

suite('none is', () => {
  const table: [string, RunningReplica[]][] = [
    ['a service without replicas', []],
    ['one of one version', [rolled('a', 1), rolled('b', 2)]],
    ['one that swapctl never rolled', [replica('a', V1), replica('b', V2)]],
    ['one of which a person made another version', [rolled('a', 1), replica('b', V3)]],
    [
      'one to which a person added one of the old version',
      [rolled('a', 1), replica('b', V1, undefined, BEFORE + 90_000)],
    ],
    ['one with a third version beside the two', [rolled('a', 1), replica('b', V1), replica('c', V3)]],
  ];
  for (const [name, replicas] of table) test(name, () => assert.equal(splitOf(replicas), undefined));
});
