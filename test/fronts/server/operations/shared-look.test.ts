import assert from 'node:assert/strict';
import test from 'node:test';
import { type SharedLook, sharedLook } from '../../../../src/fronts/server/operations/shared-look.ts';
import { latch } from '../http/site.ts';

interface Looks extends SharedLook<number> {
  /** Ends the observations in their order. */
  readonly ends: ((fails?: boolean) => void)[];
  redirectAddress(ms: number): void;
}

function looks(): Looks {
  let now = 0;
  const ends: Looks['ends'] = [];
  const look = async (): Promise<number> => {
    const number = ends.length + 1;
    const { promise, resolve } = latch<boolean>();
    ends.push((fails = false) => resolve(fails));
    if (await promise) throw new Error(`look ${number} failed`);
    return number;
  };
  const redirectAddress = (ms: number): void => {
    now += ms;
  };
  return { ...sharedLook(look, () => now), ends, redirectAddress };
}

test('callers share a look that is under way, and one that ended less than a second ago', async () => {
  const { look, ends, redirectAddress } = looks();
  const together = [look(), look(), look()];
  ends[0]?.();
  assert.deepEqual(await Promise.all(together), [1, 1, 1]);
  redirectAddress(999);
  assert.equal(await look(), 1);
  redirectAddress(1);
  const later = look();
  ends[1]?.();
  assert.equal(await later, 2);
});

test('after a change nobody gets a look that began before it', async () => {
  const { look, forget, ends } = looks();
  const before = look();
  forget();
  const after = look();
  ends[1]?.();
  assert.equal(await after, 2);
  ends[0]?.();
  assert.equal(await before, 1);
  assert.equal(await look(), 2);
  forget();
  const latest = look();
  ends[2]?.();
  assert.equal(await latest, 3);
});

test('a look that fails is not kept', async () => {
  const { look, ends } = looks();
  const first = look();
  ends[0]?.(true);
  await assert.rejects(first, /look 1 failed/);
  const second = look();
  ends[1]?.();
  assert.equal(await second, 2);
});
