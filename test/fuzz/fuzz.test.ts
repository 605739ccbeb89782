// A short turn for each fuzzer, in the same order of inputs every time; npm run fuzz goes on for as long as it is told to.
import test, { suite } from 'node:test';
import fc from 'fast-check';
import { TARGETS } from './all.ts';
import { mustBeLinear } from './target.ts';

const SEED = 18;
const RUNS = 25;

suite('whatever comes in, it is understood or refused', () => {
  for (const { name, property } of TARGETS)
    test(name, () => fc.assert(property, { numRuns: RUNS, seed: SEED, includeErrorInReport: true }));
});

suite('it takes no more time than its length is worth', () => {
  for (const one of TARGETS.filter(({ linear }) => linear)) test(one.name, () => mustBeLinear(one));
});
