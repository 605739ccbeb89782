// Every fault at each call of a roll, on an engine in memory: the short form of `npm run test:matrix -- --all`.
import assert from 'node:assert/strict';
import test from 'node:test';
import { endText, repeatText, runMatrix } from '../matrix/run.ts';

const TRIED = 5_000;
// Always the same, so that a change is judged by its effects; `npm run test:matrix` tries others.
const SEED = 1;

test('5,000 cells are safe', async (t) => {
  const end = await runMatrix(TRIED, SEED);
  t.diagnostic(`${endText(end)}; seed ${SEED}`);
  assert.ok(end.tried >= TRIED);
  const failed = end.failed.map(({ cell, why }) => `${cell}\n${why}\n${repeatText(cell)}`);
  assert.deepEqual(failed, []);
});
