// nft fails: the redirects of the published ports can't be read in a handover, or nft hangs as it sets a redirect.
import assert from 'node:assert/strict';
import test from 'node:test';
import { assertSafe, assertTrue } from '../../matrix/checks.ts';
import { SETUPS } from '../../matrix/setups.ts';
import { command, recovered, type Stage, stageOf } from '../../matrix/stage.ts';

const HANDOVER = SETUPS.handover;

async function looks(): Promise<number> {
  const stage = await stageOf(HANDOVER);
  const process = stage.open();
  await command(stage, process);
  return process.calls.filter(({ what }) => what === 'kernel.portRedirect').length;
}

async function failedAt(look: number): Promise<{ stage: Stage; code: string | undefined; message: string }> {
  const stage = await stageOf(HANDOVER);
  const process = stage.open();
  process.fail('kernel.portRedirect', look, 500);
  const report = await command(stage, process);
  if (report === 'died') return assert.fail('it died');
  assertTrue(stage, report);
  return { stage, code: report.error?.code, message: report.error?.message ?? '' };
}

test('a roll says that the old container serves only if that is certain, whenever nft fails', async (t) => {
  const last = await looks();
  for (let look = 1; look <= last; look++) {
    const { stage, code } = await failedAt(look);
    assert.equal(code, look === 1 ? 'step-failed' : 'attention', `look ${look}`);
    await recovered(stage, stage.open());
    assertSafe(stage, { memories: false, soon: true });
  }
  t.diagnostic(`${last} looks`);
});

test('after the switch it says that the rules could not be read', async () => {
  const { message } = await failedAt(await looks());
  assert.match(message, /rules for web could not be read in the middle of its roll: nft refuses the rules/);
});

test('a redirect that a hung nft has set all the same is removed by the end of the roll', async () => {
  const stage = await stageOf(SETUPS['start-first']);
  const process = stage.open();
  process.fail('kernel.redirectAddress', 1, 'timeout');
  const report = await command(stage, process);
  assert.equal(report !== 'died' && report.outcome, 'rolled');
  assert.deepEqual(stage.place.rules.forwards, []);
});
