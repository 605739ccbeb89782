// Random containers: any compatible fields.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compatible, type Field, fieldsFor } from './fields.ts';
import { PODMAN } from './place.ts';
import type { Scene } from './targeted.ts';

const RUNS = Number(process.env.SWAPCTL_TEST_RUNS ?? 8);

/** Defines the test; `rolled` reports the unfaithful parts of a container with these fields. */
export function randomTest(
  scene: () => Scene,
  rolled: (name: string, fields: readonly Field[]) => Promise<string[]>,
): void {
  test(`${RUNS} random containers come through a roll`, async (t) => {
    if (scene().stage.podman) return t.skip(PODMAN);
    const seed = Number(process.env.SWAPCTL_TEST_SEED ?? Date.now() % 2 ** 31);
    t.diagnostic(`SWAPCTL_TEST_SEED=${seed}`);
    const some = fc.shuffledSubarray(fieldsFor(scene().stage), { minLength: 1 }).map(compatible);
    let count = 0;
    const property = fc.asyncProperty(some, async (fields) => {
      count += 1;
      assert.deepEqual(await rolled(`random-${count}`, fields), [], fields.map((field) => field.name).join(', '));
    });
    // Each try takes seconds: the few that shrink it furthest are enough to find the field.
    const interruptAfterTimeLimit = Math.max(240_000, 10_000 * RUNS);
    await fc.assert(property, { seed, numRuns: RUNS, interruptAfterTimeLimit, markInterruptAsFailure: false });
    t.diagnostic(`${count} containers`);
  });
}
