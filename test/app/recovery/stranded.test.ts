// A roll dies while it moves a container into the network of the new one; its owner is stopped, so the roll can't be undone.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { assertSafe } from '../../matrix/checks.ts';
import { SETUPS } from '../../matrix/setups.ts';
import { command, recovered, rollAgain, stageOf } from '../../matrix/stage.ts';

suite('killed after the container was stopped that is to move', () => {
  test('recover starts it in the network of the new one', async () => {
    const stage = await stageOf(SETUPS['dependents, stop-first']);
    const process = stage.open();
    process.crashAt('engine.stop', 2, 'after');
    assert.equal(await command(stage, process), 'died');
    const items = await recovered(stage, stage.open());
    assert.deepEqual(items.map(({ slot, outcome }) => `${slot} ${outcome}`).slice(0, 2), [
      'mate finished',
      'web finished',
    ]);
    assert.equal(assertSafe(stage, { memories: false }), stage.to);
  });

  test('so does the next roll', async () => {
    const stage = await stageOf(SETUPS['dependents, stop-first']);
    const process = stage.open();
    process.crashAt('engine.stop', 2, 'after');
    await command(stage, process);
    const report = await rollAgain(stage, stage.open());
    assert.ok(report !== 'died' && !report.error, JSON.stringify(report));
    assert.equal(assertSafe(stage, { memories: false }), stage.to);
  });
});
