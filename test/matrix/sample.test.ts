// The fast lane's part of `npm run test:matrix`: some cells of every set-up, always the same.
import assert from 'node:assert/strict';
import test from 'node:test';
import { tryCell } from './cell.ts';
import { allCells, cellText, sampleOf } from './cells.ts';
import { repeatText } from './run.ts';

const TRIED = 500;
const SEED = 1;

test('whatever goes wrong at a call of a roll, nothing is lost, and what swapctl says is true', async (t) => {
  const cells = sampleOf(await allCells(), TRIED, SEED);
  for (const cell of cells) {
    const result = await tryCell(cell);
    assert.ok(result.safe, `${cellText(cell)}\n${result.safe || result.why}\n${repeatText(cellText(cell))}`);
  }
  t.diagnostic(`${cells.length} cells`);
});
