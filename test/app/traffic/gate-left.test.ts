// A user renames the old container during its roll: it stays as it is, and no part of the gate stays between the two.
import assert from 'node:assert/strict';
import test from 'node:test';
import { doAction } from '../../matrix/people.ts';
import { SETUPS } from '../../matrix/setups.ts';
import { command, stageOf } from '../../matrix/stage.ts';

test('the redirect of the gate is removed with the roll that has set it', async () => {
  const stage = await stageOf(SETUPS['start-first']);
  const process = stage.open();
  let redirected = false;
  stage.machine.clock.watch(() => {
    redirected ||= stage.place.rules.forwards.length > 0;
  });
  process.before('engine.rename', 2, async () => void (await doAction(stage, 'old one renamed')));
  const report = await command(stage, process);
  assert.equal(report === 'died' ? report : report.outcome, 'rolled');
  assert.ok(redirected, 'the gate redirected');
  assert.deepEqual(stage.place.rules.forwards, []);
});
