// The files of a lane that run together.
import assert from 'node:assert/strict';
import test from 'node:test';
import { filesOf, LANES } from '../../scripts/test/lanes.mjs';
import { measuresClients, phasesOf } from '../../scripts/test/phases.mjs';

test('files that start load clients run after the others, and fewer at a time', () => {
  const files = filesOf('full');
  const [others, measuring, ...more] = phasesOf('full', files);
  assert.deepEqual(more, []);
  assert.ok(others && measuring && measuring.atOnce < others.atOnce);
  assert.ok(measuring.files.every(measuresClients) && !others.files.some(measuresClients));
  assert.deepEqual([...others.files, ...measuring.files].sort(), files);
});

test('load clients are found in a test and in the set-up code that it shares', () => {
  assert.ok(measuresClients('test/full/traffic/resolved-once.test.ts'));
  assert.ok(measuresClients('test/engine/roll/zero-failed.test.ts'));
  // It imports a module of the lab beside them.
  assert.ok(!measuresClients('test/engine/roll/backup.test.ts'));
});

test('--at-a-time is for all files of a lane, and the fast lane has no load clients', () => {
  assert.deepEqual(phasesOf('engine', ['a', 'b'], 5), [{ files: ['a', 'b'], atOnce: 5 }]);
  assert.deepEqual(phasesOf('fast', ['a']), [{ files: ['a'], atOnce: LANES.fast.atOnce }]);
});
