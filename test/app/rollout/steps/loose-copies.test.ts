// A roll that dies while it removes an old backup: the recovery removes the rest.
import assert from 'node:assert/strict';
import test from 'node:test';
import { SETUPS } from '../../../matrix/setups.ts';
import { command, recovered, type Stage, stageOf } from '../../../matrix/stage.ts';

const copies = ({ machine }: Stage): string[] =>
  [...machine.volumes.keys()].filter((name) => name.includes('.swapctl-backup-'));

/** The number of volumes that an undisturbed roll removes; the last is its own backup. */
async function volumesRemoved(): Promise<number> {
  const stage = await stageOf(SETUPS.copied);
  const process = stage.open();
  await command(stage, process);
  return process.calls.filter(({ what }) => what === 'engine.removeVolume').length;
}

test('the volume goes whose container is gone already', async () => {
  const stage = await stageOf(SETUPS.copied);
  const process = stage.open();
  process.crashAt('engine.removeVolume', await volumesRemoved(), 'before');
  assert.equal(await command(stage, process), 'died');
  assert.equal(copies(stage).length, 1, 'it is left');
  await recovered(stage, stage.open());
  assert.deepEqual(copies(stage), []);
});

test('the copy stays that is to be kept', async () => {
  const stage = await stageOf(SETUPS['copied, kept']);
  const process = stage.open();
  process.crashAt('engine.untag', 1, 'before');
  await command(stage, process);
  await recovered(stage, stage.open());
  assert.equal(copies(stage).filter((name) => !name.endsWith('-earlier')).length, 1);
});
