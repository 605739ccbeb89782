// The settings of a service are wrong while an interrupted roll is recovered: the number of backups to keep is unknown.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { retireUnlessHalfDone } from '../../../src/app/image/retain.ts';
import { lenient } from '../../../src/app/select/lenient.ts';
import { SwapError } from '../../../src/core/model/error.ts';
import { roleOf } from '../../matrix/boxes.ts';
import { SETUPS } from '../../matrix/setups.ts';
import { boxAt, rollAgain, type Stage, stageOf } from '../../matrix/stage.ts';
import { build, nameImage } from '../../memory/images.ts';

const KEEP = 'swapctl.backup.keep';

/** A service with two backups of its volume. */
async function copiedTwice(): Promise<Stage> {
  const stage = await stageOf({ ...SETUPS['copied, kept'], keep: 2 });
  const { machine, follows } = stage;
  await rollAgain(stage, stage.open());
  const app = boxAt(stage, 'web')?.app ?? assert.fail('it is there');
  nameImage(machine, build(machine, 'app:3', { app }), follows);
  await rollAgain(stage, stage.open());
  assert.equal(copies(stage), 2);
  return stage;
}

function copies({ machine }: Stage): number {
  return [...machine.boxes.values()].filter((box) => roleOf(box) === 'backup').length;
}

function relabel(stage: Stage, change: Record<string, string | undefined>): void {
  const box = boxAt(stage, 'web') ?? assert.fail('it is there');
  const labels = Object.entries({ ...box.config.Labels, ...change }).filter(([, value]) => value !== undefined);
  Object.assign(box.config, { Labels: Object.fromEntries(labels) });
}

suite('none of the copies goes', () => {
  test('if a label is wrong', async () => {
    const stage = await copiedTwice();
    relabel(stage, { 'swapctl.settle': 'soon' });
    await stage.machine.clock.run(retireUnlessHalfDone(stage.open().ports, 'web'));
    assert.equal(copies(stage), 2);
  });

  test('if swapctl.yml is wrong, which may say how many', async () => {
    const stage = await copiedTwice();
    relabel(stage, { [KEEP]: undefined });
    const config = (): never => {
      throw new SwapError('config', 'swapctl.yml:3: wrong');
    };
    await stage.machine.clock.run(retireUnlessHalfDone(lenient({ ...stage.open().ports, config }), 'web'));
    assert.equal(copies(stage), 2);
  });
});

test('the older one goes if the settings are right, and say so', async () => {
  const stage = await copiedTwice();
  relabel(stage, { [KEEP]: '1' });
  await stage.machine.clock.run(retireUnlessHalfDone(stage.open().ports, 'web'));
  assert.equal(copies(stage), 1);
});
