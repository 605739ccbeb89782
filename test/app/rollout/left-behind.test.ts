// A stopped and restarted container has new namespaces: containers in the old ones have to follow.
import assert from 'node:assert/strict';
import test from 'node:test';
import { SETUPS } from '../../matrix/setups.ts';
import { boxAt, command, stageOf } from '../../matrix/stage.ts';

test('a failed roll that stopped the old container brings back what lives in its network, too', async () => {
  const stage = await stageOf({ ...SETUPS['stop-first'], rehearsal: false, mate: true, bad: 'ends' });
  const owner = boxAt(stage, 'web');
  const report = await command(stage, stage.open());
  if (report === 'died') assert.fail('it died');
  assert.equal(report.error?.code, 'not-healthy', JSON.stringify(report));
  const [web, mate] = [boxAt(stage, 'web'), boxAt(stage, 'mate')];
  assert.deepEqual([web?.id, web?.status, mate?.status], [owner?.id, 'running', 'running']);
  assert.equal(mate?.host.NetworkMode, `container:${owner?.id}`);
  assert.ok(
    (mate?.startedAt ?? 0) > (web?.startedAt ?? 0),
    'it has started after the container whose network it is in',
  );
});
