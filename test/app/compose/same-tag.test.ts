// Services of one tag in one command: no plan and no report warns of the command's own work.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { ServiceReport } from '../../../src/core/report/report.ts';
import { stageOf } from '../../matrix/stage.ts';
import { SOUND } from '../../memory/apps.ts';
import { nameImage } from '../../memory/images.ts';
import { add, COMPOSED, nameOf } from '../composed.ts';

const REQUEST = { signal: new AbortController().signal, overrides: {}, pull: 'never' } as const;

test('of the services of a tag only those are named that the command does not roll', async () => {
  const stage = await stageOf({ ...COMPOSED, files: true });
  const { machine, follows } = stage;
  nameImage(machine, stage.from, follows);
  for (const service of ['worker', 'cron']) add(stage, service, { image: follows, program: SOUND });
  nameImage(machine, stage.to, follows);
  const { app } = stage.open();

  const both = [stage.service, 'shop/worker'];
  const plans = await machine.clock.run(app.plan(both, REQUEST));
  const reports = await machine.clock.run(app.roll(both, REQUEST));
  assert.deepEqual(
    reports.map(({ outcome }) => outcome),
    ['rolled', 'rolled'],
    JSON.stringify(reports),
  );
  for (const { sameTag = [] } of [...plans, ...reports]) {
    assert.equal(sameTag.length, 1, JSON.stringify(sameTag));
    assert.match(sameTag[0] ?? '', new RegExp(`^${nameOf('cron')} was created from ${follows}: docker compose up -d`));
  }
});

test('a report names the command for each service that does not run what the tag means now', async () => {
  const stage = await stageOf({ ...COMPOSED, files: true });
  const { machine, follows, service } = stage;
  nameImage(machine, stage.from, follows);
  add(stage, 'worker', { image: follows, program: SOUND });
  nameImage(machine, stage.to, follows);
  const { app } = stage.open();
  const said = async (work: Promise<ServiceReport>): Promise<string> =>
    (await machine.clock.run(work)).sameTag?.join() ?? '';
  const rolled = await said(app.roll([service], REQUEST).then(([report]) => report ?? assert.fail('no report')));
  assert.match(rolled, /^shop-worker-1 was created from .*; swapctl roll shop\/worker does the same for it$/);
  await machine.clock.run(app.roll(['shop/worker'], REQUEST));
  const back = await said(app.rollback(service, REQUEST));
  assert.match(back, /^shop-worker-1 was created from .*; swapctl rollback shop\/worker does the same for it$/);
});
