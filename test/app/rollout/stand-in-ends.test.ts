// The stand-in of a handover ends by itself just when it is to get the ports: its image is to blame, as at any other time.
import assert from 'node:assert/strict';
import test from 'node:test';
import { slotNames } from '../../../src/core/service/names.ts';
import { recordsOn } from '../../matrix/boxes.ts';
import { SETUPS } from '../../matrix/setups.ts';
import { boxAt, command, stageOf } from '../../matrix/stage.ts';
import { end } from '../../memory/lifecycle.ts';

test('a stand-in that ends as it gets the ports is a failure of its image', async () => {
  const stage = await stageOf(SETUPS.handover);
  const { machine, own } = stage;
  const process = stage.open();
  process.before('kernel.setPortRedirect', 1, () => {
    const standIn = machine.names.get(slotNames(own[0] ?? '').standIn) ?? assert.fail('it is there');
    end(machine, standIn, 3);
  });
  const report = await command(stage, process);
  if (report === 'died') assert.fail('it died');
  assert.equal(report.error?.code, 'not-healthy', JSON.stringify(report));
  assert.match(report.error.message, /exited with status 3/);
  assert.deepEqual([boxAt(stage, 'web')?.image.id, boxAt(stage, 'web')?.status], [stage.from, 'running']);
  assert.ok(
    recordsOn(machine).some(({ failure }) => failure.code === 'not-healthy'),
    'the image is remembered',
  );
});
