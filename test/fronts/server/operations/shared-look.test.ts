import assert from 'node:assert/strict';
import test from 'node:test';
import { sharedLook } from '../../../../src/fronts/server/operations/shared-look.ts';
import { latch } from '../http/site.ts';

interface Looks {
  readonly shared: () => Promise<number>;
  /** Ends the looks in their order. */
  readonly ends: ((fails?: boolean) => void)[];
}

function looks(): Looks {
  const ends: Looks['ends'] = [];
  const look = async (): Promise<number> => {
    const number = ends.length + 1;
    const { promise, resolve } = latch<boolean>();
    ends.push((fails = false) => resolve(fails));
    if (await promise) throw new Error(`look ${number} failed`);
    return number;
  };
  return { shared: sharedLook(look), ends };
}

test('callers that come during a look share the next one, which begins after they came', async () => {
  const { shared, ends } = looks();
  const first = shared();
  const later = [shared(), shared(), shared()];
  assert.equal(ends.length, 1);
  ends[0]?.();
  assert.equal(await first, 1);
  await new Promise(setImmediate);
  assert.equal(ends.length, 2);
  const latest = shared();
  ends[1]?.();
  assert.deepEqual(await Promise.all(later), [2, 2, 2]);
  await new Promise(setImmediate);
  ends[2]?.();
  assert.equal(await latest, 3);
  const alone = shared();
  ends[3]?.();
  assert.equal(await alone, 4);
});

test('a look that fails does so only for those who wait for it', async () => {
  const { shared, ends } = looks();
  const first = shared();
  const second = shared();
  ends[0]?.(true);
  await assert.rejects(first, /look 1 failed/);
  await new Promise(setImmediate);
  ends[1]?.();
  assert.equal(await second, 2);
});
