// The fast lane's part of `npm run test:matrix`: some cells of every setup, always the same.
import assert from 'node:assert/strict';
import test from 'node:test';
import { endText, repeatText, runMatrix } from './run.ts';

const TRIED = 200;
const SEED = 1;

// In a process of their own: node:test tracks every promise of its own process, which takes longer than many of them.
test('whatever goes wrong at a call of a roll, nothing is lost, and what swapctl says is true', async (t) => {
  const end = await runMatrix(TRIED, SEED, 1);
  const told = end.failed.map(({ cell, why }) => `${cell}\n${why}\n${repeatText(cell)}`);
  assert.deepEqual(told, []);
  assert.equal(end.tried, TRIED);
  t.diagnostic(endText(end));
});
