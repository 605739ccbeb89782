// A sample of npm run test:chaos on a real engine; test/full/roll/chaos.test.ts is its short form. One container a slot is left, and the
// report says what is true.
import assert from 'node:assert/strict';
import test from 'node:test';
import type Docker from 'dockerode';
import { slotNames } from '../../../src/core/names.ts';
import { AT_ONCE, assertAllSafe, tryAll } from '../../chaos/all-safe.ts';
import type { Tried } from '../../chaos/cell.ts';
import type { EngineFault } from '../../chaos/faults.ts';
import { type Kill, killed, type Then } from '../../chaos/kills.ts';
import { faultTry, killTries } from '../../chaos/matrix.ts';
import { assertSafe, removeSubject } from '../../chaos/subject.ts';
import { swapctl } from '../../lab/cli.ts';
import { testWorld } from '../../lab/world.ts';

const KILLS: readonly (readonly [Then, readonly Kill[]])[] = [
  [
    'recover',
    [
      { way: 'start-first', at: { when: 'after', kind: 'create', nth: 1 } },
      { way: 'start-first', at: { when: 'after', kind: 'rename', nth: 1 } },
      { way: 'handover', at: { when: 'after', kind: 'cover', nth: 1 } },
      { way: 'stop-first', at: { when: 'answered', call: 'POST /containers/{id}/stop', nth: 1 } },
    ],
  ],
  [
    'roll',
    [
      { way: 'handover', at: { when: 'before', kind: 'stop', nth: 2 } },
      { way: 'rehearsed', at: { when: 'before', kind: 'pass-rehearsal', nth: 1 } },
      { way: 'scaled', at: { when: 'before', kind: 'create', nth: 2 } },
      { way: 'rollback', at: { when: 'answered', call: 'POST /containers/{id}/rename', nth: 2 } },
    ],
  ],
];

test('a swapctl that is killed at a sample of moments loses nothing', async (t) => {
  const world = testWorld(t);
  const tries = KILLS.flatMap(([then, kills]) => killTries(kills, then, AT_ONCE));
  const tried: Tried[] = [];
  for (const one of tries) tried.push(...(await one.run(world)));
  assertAllSafe(t, tried);
  for (const one of tried) assert.ok(one.safe && !one.outcome.notMet, `${one.way}, ${one.moment} was met`);
});

for (const [what, kill, version, deed] of [
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
    await deed(world.docker, subject.service);
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
