// A container that takes its volumes from another one (volumes_from), which is rolled.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import type { ServiceReport } from '../../../src/core/report/report.ts';
import type { ServicePlan } from '../../../src/core/report/status.ts';
import { SETUPS } from '../../matrix/setups.ts';
import { type Stage, stageOf } from '../../matrix/stage.ts';
import { IDLE } from '../../memory/apps.ts';
import { create } from '../../memory/containers.ts';
import { build, nameImage } from '../../memory/images.ts';
import { start } from '../../memory/lifecycle.ts';
import type { Box } from '../../memory/machine.ts';

const FOLLOWS = 'side:live';
const REQUEST = { signal: new AbortController().signal, overrides: {}, pull: 'never', force: true } as const;

/** A service that writes to a volume, and a container that takes the volumes of the service's container by `reference`. */
async function withSide(reference = (web: Box) => `${web.id}:rw`): Promise<Stage> {
  const stage = await stageOf(SETUPS['stop-first']);
  const { machine } = stage;
  nameImage(machine, build(machine, 'side:1', { app: IDLE }), FOLLOWS);
  const config = { Image: FOLLOWS, Labels: { 'swapctl.settle': '100ms' } };
  const host = { NetworkMode: 'net', VolumesFrom: [reference(boxOf(stage, 'web'))] };
  start(machine, create(machine, { name: 'side', config, host, networks: { net: {} } }));
  await machine.clock.run(machine.clock.sleep(1000));
  return stage;
}

function boxOf({ machine }: Stage, name: string): Box {
  return machine.names.get(name) ?? assert.fail(`there is no ${name}`);
}

async function roll({ machine, open }: Stage, service: string): Promise<ServiceReport> {
  const process = open();
  const [report] = await machine.clock.run(process.app.roll([service], REQUEST));
  process.kill();
  return report ?? assert.fail('no report');
}

async function planned({ machine, open }: Stage, service: string): Promise<ServicePlan> {
  const process = open();
  const [plan] = await machine.clock.run(process.app.plan([service], REQUEST));
  process.kill();
  return plan ?? assert.fail('no plan');
}

suite('volumes_from', () => {
  test('the dependent of a rolled container keeps running, and its next roll finds the volumes in the successor', async () => {
    const stage = await withSide();
    const [side, web] = [boxOf(stage, 'side'), boxOf(stage, 'web')];
    assert.equal((await roll(stage, 'web')).outcome, 'rolled');
    assert.equal(boxOf(stage, 'side'), side, 'it was not touched');
    const report = await roll(stage, 'side');
    assert.equal(report.outcome, 'rolled', JSON.stringify(report));
    const now = boxOf(stage, 'side');
    assert.deepEqual(now.host.VolumesFrom, [`${boxOf(stage, 'web').id}:rw`]);
    assert.deepEqual(now.mounts, side.mounts);
    assert.notEqual(boxOf(stage, 'web').id, web.id);
  });

  test('so does one that has not been rolled for several rolls of the other', async () => {
    const stage = await withSide();
    for (let at = 0; at < 3; at++) assert.equal((await roll(stage, 'web')).outcome, 'rolled');
    const report = await roll(stage, 'side');
    assert.equal(report.outcome, 'rolled', JSON.stringify(report));
    assert.deepEqual(boxOf(stage, 'side').host.VolumesFrom, [`${boxOf(stage, 'web').id}:rw`]);
  });

  test('so does one that knows the other by the beginning of its id', async () => {
    const stage = await withSide(({ id }) => id.slice(0, 12));
    for (let at = 0; at < 2; at++) assert.equal((await roll(stage, 'web')).outcome, 'rolled');
    const report = await roll(stage, 'side');
    assert.equal(report.outcome, 'rolled', JSON.stringify(report));
    assert.deepEqual(boxOf(stage, 'side').host.VolumesFrom, [boxOf(stage, 'web').id]);
  });

  test('a name means the successor anyway, and stays', async () => {
    const stage = await withSide(() => 'web:ro');
    assert.equal((await roll(stage, 'web')).notes, undefined);
    assert.equal((await roll(stage, 'side')).outcome, 'rolled');
    assert.deepEqual(boxOf(stage, 'side').host.VolumesFrom, ['web:ro']);
  });

  test('plan and report name the dependent that keeps its volumes', async () => {
    const stage = await withSide();
    const note = /^side mounts its volumes \(volumes_from\) and keeps running with them/;
    assert.match((await planned(stage, 'web')).slots[0]?.notes?.[0] ?? '', note);
    for (let at = 0; at < 2; at++) assert.match((await roll(stage, 'web')).notes?.[0] ?? '', note);
    const successor = boxOf(stage, 'web').id.slice(0, 12);
    assert.match(
      (await planned(stage, 'side')).slots[0]?.notes?.[0] ?? '',
      new RegExp(`^its volumes come from web \\(${successor}\\)`),
    );
  });

  test('a container that is gone without a successor is refused before anything is touched', async () => {
    const stage = await withSide();
    const side = boxOf(stage, 'side');
    const process = stage.open();
    const web = boxOf(stage, 'web');
    await stage.machine.clock.run(process.ports.engine.remove(web.id, { discard: true }));
    process.kill();
    const { error } = await roll(stage, 'side');
    assert.equal(error?.code, 'refused');
    assert.match(error.message, /^side takes its volumes \(volumes_from\) from a container that is gone/);
    assert.equal(boxOf(stage, 'side'), side);
  });
});
