// Jobs that run at the same time share a process and its connections, and nothing of one appears in the other.
import assert from 'node:assert/strict';
import test from 'node:test';
import { NO_CONFIG } from '../../../../src/core/settings/config.ts';
import { type Answer, siteOf } from './site.ts';

const NAMES = ['s0', 's1', 's2', 's3'];

test('the progress and the decision log of four rolls at once are told apart', async (t) => {
  const config = { ...NO_CONFIG, maxRollsAtOnce: NAMES.length };
  const { world, reported, call } = await siteOf(t, NAMES, undefined, { config });
  world.newer();
  const roll = (service: string): Promise<Answer> =>
    call('/v1/rolls', { method: 'POST', headers: { prefer: 'wait=60' }, body: { service } });
  const jobs = (await Promise.all(NAMES.map(roll))).map(({ json }) => json);
  const orders = reported.flatMap(({ progress, job }) => (progress.kind === 'step' ? [job] : []));
  const changes = orders.filter((job, at) => job !== orders[at - 1]).length;
  assert.ok(changes > NAMES.length, 'they ran at the same time');
  for (const { id, service, outcome, steps } of jobs) {
    assert.equal(outcome, 'rolled');
    assert.ok(steps.length > 5);
    const others = new RegExp(NAMES.filter((name) => name !== service).join('|'));
    assert.doesNotMatch(JSON.stringify(steps), others);
    const own = reported.filter(({ job }) => job === id).map(({ progress }) => progress);
    assert.ok(own.length > steps.length);
    for (const progress of own)
      if ('slot' in progress) assert.equal(progress.slot, service, `${progress.kind} of ${progress.slot} in ${id}`);
    assert.doesNotMatch(JSON.stringify(own.filter(({ kind }) => kind !== 'decision')), others);
  }
});
