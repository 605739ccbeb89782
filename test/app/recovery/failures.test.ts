// The volumes in which failed images are remembered: what is written, replaced, forgotten, and left alone.

import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import type { ServiceReport } from '../../../src/core/report/report.ts';
import type { RecoveredItem, ServiceHistory } from '../../../src/core/report/status.ts';
import { askedTarget } from '../../../src/core/update/roll-target.ts';
import { recordsOn } from '../../matrix/boxes.ts';
import { SETUPS } from '../../matrix/setups.ts';
import { boxAt, command, recovered, rollAgain, type Stage, stageOf } from '../../matrix/stage.ts';
import { create, pruneContainers, remove } from '../../memory/containers.ts';
import { build } from '../../memory/images.ts';
import type { Process } from '../../memory/process.ts';

const REQUEST = { signal: new AbortController().signal, overrides: {}, pull: 'never' } as const;

/** A service whose newer image has just failed. */
async function rejected(): Promise<Stage> {
  const stage = await stageOf(SETUPS['start-first, bad image']);
  assert.equal(codeOf(await command(stage, stage.open())), 'not-healthy');
  return stage;
}

function codeOf(report: ServiceReport | 'died' | undefined): string | undefined {
  return report === 'died' ? report : (report?.error?.code ?? report?.outcome);
}

async function forced({ machine, service }: Stage, process: Process, image?: string): Promise<string | undefined> {
  const more = image === undefined ? {} : { target: askedTarget({ image }) };
  const end = await machine.clock.run(process.run((app) => app.roll([service], { ...REQUEST, ...more, force: true })));
  process.kill();
  return codeOf(end === 'died' ? end : end.value[0]);
}

async function failuresIn({ machine, service }: Stage, process: Process): Promise<ServiceHistory['failures']> {
  const end = await machine.clock.run(process.run((app) => app.history(service)));
  return end === 'died' ? assert.fail('it died') : end.value.failures;
}

function volumesOf({ machine }: Stage): string[] {
  return [...machine.volumes.keys()].filter((name) => name.includes('.swapctl-failed-'));
}

const found = (items: readonly RecoveredItem[]) => items.map((one) => `${one.found} ${one.outcome}`);

suite('a failed image', () => {
  test('is remembered by a volume alone, also after a prune of containers', async () => {
    const stage = await rejected();
    const names = [...stage.machine.boxes.values()].map(({ name }) => name);
    assert.deepEqual(names, ['web'], 'no container is left for it');
    const [volume = ''] = volumesOf(stage);
    assert.match(volume, /^web\.swapctl-failed-[0-9a-f]{12}$/);
    assert.equal(stage.machine.volumes.get(volume)?.files.size, 0);
    pruneContainers(stage.machine);
    const report = await rollAgain(stage, stage.open());
    assert.equal(codeOf(report), 'known-bad');
    assert.match(JSON.stringify(report), new RegExp(`the volume ${volume} remembers it`));
    assert.deepEqual(
      (await failuresIn(stage, stage.open())).map((one) => [one.volume, one.code]),
      [[volume, 'not-healthy']],
    );
  });

  test('that fails once more by force is remembered by the newer volume alone', async () => {
    const stage = await rejected();
    const [first] = volumesOf(stage);
    assert.equal(await forced(stage, stage.open()), 'not-healthy');
    const [second, ...more] = volumesOf(stage);
    assert.deepEqual(more, []);
    assert.notEqual(second, first);
  });

  test('is remembered at every moment of that, also if the roll is killed between the two volumes', async () => {
    const stage = await rejected();
    const dying = stage.open();
    dying.crashAt('engine.removeVolume', 1, 'before');
    assert.equal(await forced(stage, dying), 'died');
    assert.equal(volumesOf(stage).length, 2);
    assert.equal((await failuresIn(stage, stage.open())).length, 1, 'the newest counts');
    await recovered(stage, stage.open());
    assert.equal(codeOf(await rollAgain(stage, stage.open())), 'known-bad');
    build(stage.machine, 'app:good', {});
    assert.equal(await forced(stage, stage.open(), 'app:good'), 'rolled');
    assert.deepEqual(volumesOf(stage), [], 'a good roll forgets both');
  });

  test('for which the disk has no room is not remembered, and the report says so', async () => {
    const stage = await stageOf(SETUPS['start-first, bad image']);
    const process = stage.open();
    process.fail('engine.createVolume', 1, 'disk full');
    const report = await command(stage, process);
    assert.equal(codeOf(report), 'disk-full');
    assert.match(JSON.stringify(report), /it exited with status 3.*and that can't be remembered/);
    assert.deepEqual(volumesOf(stage), []);
    assert.equal(boxAt(stage, 'web')?.status, 'running');
  });

  test('is forgotten by recover once its service is gone, and not before', async () => {
    const stage = await rejected();
    const [volume = ''] = volumesOf(stage);
    assert.deepEqual(await recovered(stage, stage.open()), []);
    remove(stage.machine, boxAt(stage, 'web') ?? assert.fail('it is there'), { force: true });
    assert.deepEqual(found(await recovered(stage, stage.open())), [`${volume} removed`]);
    assert.deepEqual(volumesOf(stage), []);
  });
});

test('a volume that a container uses is never removed, and the roll that would forget it succeeds', async () => {
  const stage = await rejected();
  const { machine } = stage;
  const [volume = ''] = volumesOf(stage);
  build(machine, 'other:1', {});
  const host = { Mounts: [{ Type: 'volume', Source: volume, Target: '/data' }] };
  create(machine, { name: 'other', config: { Image: 'other:1' }, host, networks: {} });
  build(machine, 'app:good', {});
  const process = stage.open();
  assert.equal(await forced(stage, process, 'app:good'), 'rolled');
  const notes = process.progress.flatMap((one) => (one.kind === 'note' ? [one.text] : []));
  assert.ok(notes.includes(`the volume ${volume}, which remembers a failed image, stays, since a container uses it`));
  assert.deepEqual(volumesOf(stage), [volume]);
  assert.equal(recordsOn(machine).length, 1);
});
