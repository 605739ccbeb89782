// The history of a container that does not run.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { ServiceHistory } from '../../../src/core/report/status.ts';
import { slotNames } from '../../../src/core/service/names.ts';
import { SETUPS } from '../../matrix/setups.ts';
import { boxAt, command, type Stage, stageOf } from '../../matrix/stage.ts';
import { create } from '../../memory/containers.ts';

async function historyOf(stage: Stage, service: string): Promise<ServiceHistory> {
  const process = stage.open();
  const end = await stage.machine.clock.run(process.run((app) => app.history(service)));
  return end === 'died' ? assert.fail('it died') : end.value;
}

async function newest(stage: Stage, service: string): Promise<string> {
  const [entry] = (await historyOf(stage, service)).entries;
  return entry?.current ? `${entry.id === stage.to ? 'new' : 'old'} ${entry.status}` : 'none is current';
}

test('one that was never started is not said to run', async () => {
  const stage = await stageOf(SETUPS['start-first']);
  create(stage.machine, { name: 'idle', config: { Image: stage.from }, host: {}, networks: {} });
  assert.equal(await newest(stage, 'idle'), 'old created');
  assert.equal(await newest(stage, 'web'), 'old running');
});

test('the new container of a roll that died before it was started is not the one that runs', async () => {
  const stage = await stageOf(SETUPS['start-first']);
  const process = stage.open();
  process.crashAt('engine.start', 1, 'before');
  assert.equal(await command(stage, process), 'died');
  assert.equal(boxAt(stage, slotNames('web').next)?.status, 'created');
  assert.equal(await newest(stage, 'web'), 'old running');
});

test('a rollback whose image is gone says how to pull it again', async () => {
  const stage = await stageOf({
    ...SETUPS['start-first'],
    remembered: false,
    hooked: false,
    command: 'update',
    keep: 1,
  });
  const { machine, service } = stage;
  const rolled = await command(stage, stage.open());
  assert.ok(rolled !== 'died' && rolled.outcome === 'rolled', JSON.stringify(rolled));
  const [, before] = (await historyOf(stage, service)).entries;
  assert.match(before?.digest ?? '', /^sha256:/, 'also that of the first image');
  machine.images.delete(stage.from);
  const end = await machine.clock.run(stage.open().run((app) => app.rollback(service, ROLLBACK)));
  if (end === 'died') return assert.fail('it died');
  assert.equal(end.value.error?.code, 'no-history');
  assert.ok(end.value.error.hint?.endsWith(`to pull it again: swapctl roll ${service} --digest ${before?.digest}`));
});

const ROLLBACK = { signal: new AbortController().signal, overrides: {}, pull: 'never' } as const;
