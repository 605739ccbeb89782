// An engine that fails at each start, and records no reason on the container (Docker does so only for refusals of its runtime).
import assert from 'node:assert/strict';
import test from 'node:test';
import { SETUPS } from '../../matrix/setups.ts';
import { boxAt, command, stageOf } from '../../matrix/stage.ts';

const MORE_THAN_IT_TRIES = 20;

test('a start that the engine fails at, however often it is tried, ends the roll in the words of the engine', async () => {
  const stage = await stageOf(SETUPS['start-first']);
  const before = [...stage.machine.boxes.keys()];
  const process = stage.open();
  for (let nth = 1; nth <= MORE_THAN_IT_TRIES; nth++) process.fail('engine.start', nth, 500);
  const report = await command(stage, process);
  if (report === 'died') assert.fail('it died');
  assert.equal(report.error?.code, 'cannot-start', JSON.stringify(report));
  assert.match(report.error.message, /a fault of the engine/);
  const starts = process.calls.filter(({ what }) => what === 'engine.start').length;
  assert.ok(starts > 1 && starts < MORE_THAN_IT_TRIES, `${starts} starts`);
  assert.deepEqual([boxAt(stage, 'web')?.image.id, boxAt(stage, 'web')?.status], [stage.from, 'running']);
  assert.deepEqual([...stage.machine.boxes.keys()], before, 'nothing is left, and nothing blames the image');
});
