// A failure for which the image alone can't be blamed: the image is not rejected, and the next try waits longer.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { describeStep } from '../../../../src/core/rollout/step.ts';
import { slotNames } from '../../../../src/core/service/names.ts';
import { recordsOn } from '../../../matrix/boxes.ts';
import { SETUPS, type SetupName } from '../../../matrix/setups.ts';
import { boxAt, command, recovered, rollAgain, type Stage, stageOf } from '../../../matrix/stage.ts';
import { type App, SOUND } from '../../../memory/apps.ts';

type Roll = typeof command;

/** Rolls; resolves with the code, the message and the hint of the error. */
async function failing(stage: Stage, roll: Roll = command): Promise<{ code: string; message: string; hint: string }> {
  const report = await roll(stage, stage.open());
  if (report === 'died') return assert.fail('it died');
  const { code, message, hint = '' } = report.error ?? assert.fail(`it is ${report.outcome}`);
  return { code, message, hint };
}

/** The records, as `code tries`. */
function notes({ machine }: Stage): string[] {
  return recordsOn(machine).map(({ failure }) => `${failure.code} ${failure.tries ?? 1}`);
}

async function staged(setup: SetupName, newer: Partial<App> = {}): Promise<Stage> {
  const stage = await stageOf(SETUPS[setup]);
  const image = [...stage.machine.images.values()].find(({ id }) => id === stage.to);
  Object.assign(image ?? assert.fail('the newer image is there'), { app: { ...SOUND, ...image?.app, ...newer } });
  return stage;
}

function sicken(stage: Stage): void {
  const box = boxAt(stage, 'web') ?? assert.fail('it is there');
  box.sickSince = stage.machine.clock.now();
}

suite('the image is not rejected if', () => {
  for (const setup of ['start-first, sick image', 'rehearsed, bad image'] as const)
    test(`the old container fails the same check: ${setup}`, async () => {
      const stage = await staged(setup);
      sicken(stage);
      const { code, message, hint } = await failing(stage);
      assert.equal(code, 'unproven', message);
      assert.match(message, /the old container fails its check, too/);
      assert.match(hint, /not rejected/);
      assert.deepEqual(notes(stage), ['unproven 1']);
    });

  test('what it needs is busy', async () => {
    const stage = await staged('start-first, bad image', { prints: ['open /dev/ttyUSB0: Device or resource busy'] });
    const { code, message } = await failing(stage);
    assert.equal(code, 'unproven', message);
    assert.match(message, /it exited with status 3.*Device or resource busy/);
  });

  test('something killed it', async () => {
    const stage = await staged('start-first, bad image', { ends: { afterMs: 40, code: 137 } });
    assert.equal((await failing(stage)).code, 'unproven');
  });
});

test('the status that is quoted is that of the run that ended, not that of the one that goes on', async () => {
  const stage = await staged('start-first, bad image');
  const { clock } = stage.machine;
  const dying = stage.open();
  dying.crashAt('engine.start', 1, 'after');
  assert.equal(await command(stage, dying), 'died');
  const next = boxAt(stage, slotNames('web').next) ?? assert.fail('it is there');
  while (next.restartCount === 0 || next.status !== 'running') await clock.run(clock.sleep(5));
  assert.equal(next.exitCode, 0);
  const process = stage.open();
  await recovered(stage, process);
  const steps = process.progress.flatMap((one) => (one.kind === 'step' ? [describeStep(one.step)] : []));
  assert.match(steps.join('\n'), /it exited with status 3 and was restarted/);
});

test('what is not rejected is tried again, and each failure in a row makes the backoff longer', async () => {
  const stage = await staged('start-first, sick image');
  sicken(stage);
  for (const tries of [1, 2, 3]) {
    assert.equal((await failing(stage, rollAgain)).code, 'unproven');
    assert.deepEqual(notes(stage), [`unproven ${tries}`]);
  }
  const box = boxAt(stage, 'web') ?? assert.fail('it is there');
  box.sickSince = Infinity;
  assert.equal((await failing(stage, rollAgain)).code, 'not-healthy');
  assert.deepEqual(notes(stage), ['not-healthy 1']);
  assert.equal((await failing(stage, rollAgain)).code, 'known-bad');
});

suite('plan and report say that the old container fails', () => {
  for (const setup of ['start-first, sick image', 'rehearsed, bad image'] as const)
    test(`its check: ${setup}`, async () => {
      const stage = await staged(setup);
      const { clock } = stage.machine;
      sicken(stage);
      await clock.run(clock.sleep(10_000));
      const process = stage.open();
      const end = await clock.run(process.run((app) => app.plan([stage.service], PLAN)));
      if (end === 'died') assert.fail('it died');
      const says = /the old container fails its health check now/;
      assert.match(end.value[0]?.slots[0]?.notes?.join('\n') ?? '', says);
      assert.match(JSON.stringify(await command(stage, stage.open())), says);
    });
});

const PLAN = { signal: new AbortController().signal, overrides: {}, pull: 'never' } as const;
