// Random services, rolled by the shipped use cases, with random faults; fast-check finds the smallest failing case. Use
// SWAPCTL_PROPERTY_RUNS=5000 SWAPCTL_PROPERTY_SEED=7 after a change of the loop.
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { courseOf, trySetup } from './cell.ts';
import { setups, troubles } from './worlds.ts';

const RUNS = Number(process.env.SWAPCTL_PROPERTY_RUNS ?? 60);
const SEED = Number(process.env.SWAPCTL_PROPERTY_SEED ?? 1);

test('whatever a service is like, a roll to which nothing happens ends where it is to end', async () => {
  await fc.assert(
    fc.asyncProperty(setups, async (setup) => void (await courseOf(setup))),
    { numRuns: RUNS / 2, seed: SEED, includeErrorInReport: true },
  );
});

test('whatever a service is like and whatever goes wrong, nothing is lost, and what swapctl says is true', async () => {
  const property = fc.asyncProperty(setups, troubles, async (setup, trouble) => {
    const result = await trySetup(setup, trouble);
    assert.ok(result.safe, result.safe ? '' : result.why);
  });
  await fc.assert(property, { numRuns: RUNS, seed: SEED, includeErrorInReport: true });
});
