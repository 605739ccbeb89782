// A later replica fails, and the earlier ones go back: so does the tag.

import assert from 'node:assert/strict';
import test from 'node:test';
import { canonical, parseReference } from '../../../src/core/model/reference.ts';
import { SETUPS } from '../../matrix/setups.ts';
import { command, rollAgain, type Stage, stageOf } from '../../matrix/stage.ts';

const tagged = ({ machine, follows }: Stage): string | undefined =>
  machine.tags.get(canonical(parseReference(follows)));

test("the user's own build, which could not be rolled to now, keeps its tag, so that the next roll goes to it", async () => {
  const stage = await stageOf(SETUPS.scaled);
  const interrupt = new AbortController();
  const process = stage.open();
  // Of the second replica.
  process.before('engine.create', 3, () => interrupt.abort());
  const report = await command(stage, process, interrupt.signal);
  assert.ok(report !== 'died', 'it came to an end');
  assert.deepEqual(
    report.replicas?.map(({ outcome }) => outcome),
    ['rolled-back', 'failed'],
  );
  assert.equal(tagged(stage), stage.to);
  const next = await rollAgain(stage, stage.open());
  assert.ok(next !== 'died' && next.outcome === 'rolled', JSON.stringify(next));
});

test('where it came from a registry the tag means what runs again', async () => {
  const stage = await stageOf({ ...SETUPS.scaled, command: 'update' });
  const interrupt = new AbortController();
  const process = stage.open();
  process.before('engine.create', 3, () => interrupt.abort());
  const report = await command(stage, process, interrupt.signal);
  assert.ok(report !== 'died' && report.outcome === 'failed', JSON.stringify(report));
  assert.equal(tagged(stage), stage.from);
});
