// The kernel's rules can't be read in the middle of a roll.
import assert from 'node:assert/strict';
import test from 'node:test';
import { SETUPS } from '../matrix/setups.ts';
import { command, stageOf } from '../matrix/stage.ts';

test('who can not read the rules in the middle of a roll says that somebody has to look, not that the old one serves', async () => {
  const stage = await stageOf(SETUPS['start-first']);
  const process = stage.open();
  process.fail('kernel.forwarding', 8, 500);
  const report = await command(stage, process);
  assert.ok(report !== 'died' && report.error, 'it failed');
  assert.equal(report.error.code, 'attention');
  assert.match(report.error.message, /rules for web could not be read in the middle of its roll/);
});
