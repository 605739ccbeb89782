// An nft that fails at each port redirect: the roll ends with nft's words, and the old container continues.
import assert from 'node:assert/strict';
import test from 'node:test';
import { SETUPS } from '../../matrix/setups.ts';
import { boxAt, command, stageOf } from '../../matrix/stage.ts';

const MORE_THAN_IT_TRIES = 20;

test('a port redirect that fails, however often it is tried, ends the roll', async () => {
  const stage = await stageOf(SETUPS.handover);
  const process = stage.open();
  for (let nth = 1; nth <= MORE_THAN_IT_TRIES; nth++) process.fail('kernel.setPortRedirect', nth, 500);
  const report = await command(stage, process);
  if (report === 'died') assert.fail('it died');
  assert.equal(report.outcome, 'failed', JSON.stringify(report));
  assert.equal(report.error?.code, 'step-failed');
  assert.match(report.error.message, /a test says so/);
  const tries = process.calls.filter(({ what }) => what === 'kernel.setPortRedirect').length;
  assert.ok(tries < MORE_THAN_IT_TRIES, `${tries} tries`);
  assert.deepEqual([boxAt(stage, 'web')?.image.id, boxAt(stage, 'web')?.status], [stage.from, 'running']);
});
