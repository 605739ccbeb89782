// Swarm services through --on: managers of Swarms in memory, as the hosts of a group.
import assert from 'node:assert/strict';
import test from 'node:test';
import { createGroup, type GroupApp } from '../../../src/app/group/group.ts';
import { hostGroup } from '../../../src/core/inventory/inventory.ts';
import { NEW, OLD, type Process, type SwarmWorld, swarmWorld } from './world.ts';

const signal = new AbortController().signal;
const REQUEST = { signal, overrides: {} };

interface Site extends SwarmWorld {
  readonly group: GroupApp;
}

/** A group of managers: of the same Swarm, as the processes share it. */
function site(count: number): Site {
  const made = swarmWorld();
  made.swarm.add('web', { image: OLD });
  const hosts = Array.from({ length: count }, (_, at) => `manager${at + 1}`);
  const processes = new Map<string, Process>(hosts.map((host) => [host, made.process()]));
  const inventory = {
    hosts: Object.fromEntries(hosts.map((host) => [host, { kind: 'context' as const, context: host }])),
    groups: {
      all: {
        hosts,
        canary: undefined,
        bakeMs: 0,
        atOnce: 1,
        onFailure: 'halt' as const,
        beforeHost: [],
        afterHost: [],
      },
    },
  };
  const group = createGroup({
    group: hostGroup(inventory, 'all'),
    skipUnreachable: false,
    clock: made.clock,
    report: () => {},
    post: async () => {},
    run: async () => {},
    open: async (host) => ({ app: processes.get(host)?.app ?? assert.fail(host), close: () => {} }),
  });
  return { ...made, group };
}

for (const count of [1, 2])
  test(`a Swarm service is rolled and rolled back through ${count} of its managers`, async () => {
    const { group, swarm, clock } = site(count);
    swarm.behaviours.set(NEW, { kind: 'runs' });
    const [rolled] = await clock.run(group.roll(['web'], REQUEST), false);
    assert.equal(rolled?.outcome, 'rolled', JSON.stringify(rolled));
    assert.deepEqual(
      rolled.hosts.map(({ outcome }) => outcome),
      ['rolled', 'unchanged'].slice(0, count),
    );
    assert.equal(swarm.serviceOf('web').image, NEW);
    const back = await clock.run(group.rollback('web', REQUEST), false);
    assert.equal(back.error, undefined, JSON.stringify(back));
    assert.equal(swarm.serviceOf('web').image, OLD);
  });

test('a bad image of a Swarm service fails on the first manager, and is held for the group', async () => {
  const { group, swarm, clock } = site(2);
  swarm.behaviours.set(NEW, { kind: 'ends', exitCode: 3 });
  const [report] = await clock.run(group.roll(['web'], REQUEST), false);
  assert.deepEqual(
    report?.hosts.map(({ outcome }) => outcome),
    ['failed', 'untouched'],
  );
  assert.equal(swarm.serviceOf('web').image, OLD);
  const { hosts } = await clock.run(group.check(['web'], signal), false);
  assert.deepEqual(
    hosts.map(({ report: lines }) => lines?.[0]?.outcome),
    ['held', 'held'],
  );
});
