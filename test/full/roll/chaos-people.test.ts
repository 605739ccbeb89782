// A user interferes with the remains of a killed roll, or the engine fails while it is asked about dependents, on a real engine.
import assert from 'node:assert/strict';
import test from 'node:test';
import type Docker from 'dockerode';
import { slotNames } from '../../../src/core/service/names.ts';
import { tryAll } from '../../chaos/all-safe.ts';
import type { EngineFault } from '../../chaos/faults.ts';
import { type Kill, killed } from '../../chaos/kills.ts';
import { faultTry } from '../../chaos/matrix.ts';
import { assertSafe, removeSubject } from '../../chaos/subject.ts';
import { swapctl } from '../../lab/cli.ts';
import { testWorld } from '../../lab/world.ts';

for (const [what, kill, version, action] of [
  [
    'what lives with a container that somebody removed from a dead roll is moved',
    { way: 'dependents', at: { when: 'before', kind: 'rename', nth: 1 } },
    '2',
    (docker, service) => docker.getContainer(service).remove({ force: true }),
  ],
  [
    'what lives with a container that somebody removed after the new one had its name is moved',
    { way: 'dependents', at: { when: 'before', kind: 'move-dependents', nth: 1 } },
    '2',
    (docker, service) => docker.getContainer(slotNames(service).old).remove({ force: true }),
  ],
  [
    'the old container has the restart policy that it had, though somebody renamed the new one, which knows it',
    { way: 'stop-first', at: { when: 'before', kind: 'start', nth: 1 } },
    '1',
    elsewhere,
  ],
] as [string, Kill, string, (docker: Docker, service: string) => Promise<unknown>][]) {
  test(`recovery: ${what}`, async (t) => {
    const world = testWorld(t);
    const { subject, dead } = await killed(world, kill);
    t.after(() => removeSubject(subject));
    assert.ok(dead);
    await action(world.docker, subject.service);
    const { code, stderr } = await swapctl(['recover', subject.service], { env: world.env, netns: world.netns });
    assert.equal(code, 0, stderr);
    assert.equal(await assertSafe(subject, false), version);
  });
}

async function elsewhere(docker: Docker, service: string): Promise<void> {
  await docker.getContainer(service).rename({ name: `${service}-elsewhere` });
}

test('an engine that fails while it is asked about what lives with the rolled container leaves nothing half moved', async (t) => {
  const world = testWorld(t);
  const moved = [3, 4].map((nth) => ({ what: 'POST /containers/{id}/rename', nth }));
  const faults = moved.map((since): EngineFault => {
    return { way: 'dependents', fault: '409', at: { what: 'GET /containers/json', nth: 1, since } };
  });
  const tried = await tryAll(t, world, faults.map(faultTry));
  for (const one of tried) assert.ok(one.safe && !one.outcome.notMet, `${one.moment} was met`);
});
