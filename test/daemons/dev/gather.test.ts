import assert from 'node:assert/strict';
import test from 'node:test';
import type { Change } from '../../../src/core/build/develop.ts';
import { gatherer } from '../../../src/daemons/dev/gather.ts';
import { movedClock } from './clock.ts';

function gathering(signal = new AbortController().signal) {
  const clock = movedClock();
  const handed: { at: number; paths: string[] }[] = [];
  const gather = gatherer({ clock, signal, quietMs: 100, mostMs: 1000 }, (changes) =>
    handed.push({ at: clock.now(), paths: changes.map(({ path, removed }) => (removed ? `-${path}` : path)) }),
  );
  const change = (path: string, removed = false): void => gather({ path, removed, trees: [0] } satisfies Change);
  return { clock, handed, change };
}

test('what happens in quick succession is handed on together, each file once and as it was last', async () => {
  const { clock, handed, change } = gathering();
  change('a');
  await clock.pass(60);
  change('b');
  change('a', true);
  await clock.pass(99);
  assert.deepEqual(handed, []);
  await clock.pass(1);
  assert.deepEqual(handed, [{ at: 160, paths: ['-a', 'b'] }]);
  await clock.pass(5000);
  change('c');
  await clock.pass(100);
  assert.deepEqual(handed.slice(1), [{ at: 5260, paths: ['c'] }]);
});

test('a file that never rests holds nothing up for long', async () => {
  const { clock, handed, change } = gathering();
  for (let at = 0; at < 2500; at += 50) {
    change(`file-${at}`);
    await clock.pass(50);
  }
  assert.deepEqual(
    handed.map(({ at, paths }) => [at, paths.length]),
    [
      [1000, 20],
      [2000, 20],
    ],
  );
});

test('nothing is handed on after the end', async () => {
  const end = new AbortController();
  const { clock, handed, change } = gathering(end.signal);
  change('a');
  end.abort();
  await clock.pass(5000);
  assert.deepEqual(handed, []);
});
