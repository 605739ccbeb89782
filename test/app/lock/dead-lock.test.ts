// A roll that dies after its last step leaves only its lock.

import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { removeOwn } from '../../../src/app/rollout/steps/remove.ts';
import { canonical, parseReference } from '../../../src/core/model/reference.ts';
import { SETUPS } from '../../matrix/setups.ts';
import { command, recovered, rollAgain, type Stage, stageOf } from '../../matrix/stage.ts';
import type { Process, ProcessOptions } from '../../memory/process.ts';

async function killedAtTheEnd(options: ProcessOptions = {}): Promise<Stage> {
  const stage = await stageOf(SETUPS.update);
  const process = stage.open(options);
  // Its last observation: of the retained images.
  process.crashAt('engine.imageTags', 1, 'before');
  assert.equal(await command(stage, process), 'died');
  assert.deepEqual(namesOf(stage), ['web', 'web.swapctl-lock']);
  return stage;
}

const namesOf = ({ machine }: Stage): string[] => [...machine.names.keys()].sort();

suite('the lock of a dead process is removed', () => {
  test('by an update that finds nothing newer', async () => {
    const stage = await killedAtTheEnd();
    const report = await rollAgain(stage, stage.open());
    assert.ok(report !== 'died' && report.outcome === 'unchanged', JSON.stringify(report));
    assert.deepEqual(namesOf(stage), ['web']);
  });

  test('by recover', async () => {
    const stage = await killedAtTheEnd();
    await recovered(stage, stage.open());
    assert.deepEqual(namesOf(stage), ['web']);
  });
});

test('an update leaves the lock of a process on another machine, which may live', async () => {
  const stage = await killedAtTheEnd({ remote: true });
  const report = await rollAgain(stage, stage.open());
  assert.ok(report !== 'died' && report.outcome === 'unchanged', JSON.stringify(report));
  assert.deepEqual(namesOf(stage), ['web', 'web.swapctl-lock']);
});

test('a roll that copies volumes does not look for rm in the lock that it has just removed', async () => {
  const stage = await stageOf(SETUPS.copied);
  const process = stage.open();
  process.crashAt('engine.create', 1, 'after');
  assert.equal(await command(stage, process), 'died');
  assert.deepEqual(namesOf(stage), ['web', 'web.swapctl-lock']);
  const report = await rollAgain(stage, stage.open());
  assert.ok(report !== 'died' && report.outcome === 'rolled', JSON.stringify(report));
});

suite('whoever removes a dead lock can die at any call: the tag is put back all the same', () => {
  // The dead roll has pulled the newer image, which moved the tag; it has created no container.
  const moved = async (): Promise<Stage> => {
    const stage = await stageOf(SETUPS.update);
    const process = stage.open();
    process.crashAt('engine.tag', 1, 'after');
    assert.equal(await command(stage, process), 'died');
    assert.equal(tagged(stage), stage.to);
    return stage;
  };

  for (const call of ['engine.tag', 'engine.remove'] as const)
    for (const when of ['before', 'after'] as const)
      test(`${call}, ${when}`, async () => {
        const stage = await moved();
        const process = stage.open();
        process.crashAt(call, 1, when);
        assert.equal(await killedRecovery(stage, process), 'died');
        await recovered(stage, stage.open());
        assert.equal(tagged(stage), stage.from);
        assert.deepEqual(namesOf(stage), ['web']);
      });
});

const tagged = ({ machine, follows }: Stage): string | undefined =>
  machine.tags.get(canonical(parseReference(follows)));

async function killedRecovery({ machine }: Stage, process: Process): Promise<unknown> {
  return machine.clock.run(process.run((app) => app.recover([], new AbortController().signal)));
}

test('a lock that the engine refuses to remove is raised, and stays', async () => {
  const stage = await killedAtTheEnd();
  const { ports, fail } = stage.open();
  fail('engine.remove', 1, 500);
  await assert.rejects(removeOwn(ports, 'web.swapctl-lock', 'lock'), { status: 500 });
  assert.deepEqual(namesOf(stage), ['web', 'web.swapctl-lock']);
});
