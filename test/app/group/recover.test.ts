// A process dies in the roll of a group: at each of its changes, on every host.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { GroupConfig } from '../../../src/core/inventory/inventory.ts';
import { remove } from '../../memory/containers.ts';
import { assertWhole, type Fleet, fleetOf, REQUEST, rolled } from './fleet.ts';

/** Every change; or, in the fast lane, each change in one of the two tests. */
const EVERY = process.env.SWAPCTL_TEST_LONG === '1' ? 1 : 2;

const HOOK = [{ kind: 'run', program: 'lb', args: [] }] as const;

/** The number of changes that an undisturbed roll makes on each host. */
async function changesOf(group: Partial<GroupConfig>): Promise<Map<string, number>> {
  const fleet = await fleetOf(3);
  fleet.push();
  const operator = fleet.operator(group);
  await rolled(operator);
  return new Map([...operator.processes].map(([host, { calls }]) => [host, calls.filter((one) => one.changes).length]));
}

/** Kills the process at the nth change on a host. */
async function killedAt(fleet: Fleet, group: Partial<GroupConfig>, host: string, nth: number): Promise<boolean> {
  const operator = fleet.operator(group);
  const process = operator.processes.get(host) ?? assert.fail(host);
  let count = 0;
  const push = process.calls.push.bind(process.calls);
  process.calls.push = (...calls) => {
    if (calls.some(({ changes }) => changes) && ++count === nth) operator.kill();
    return push(...calls);
  };
  return (await operator.run((app) => app.roll(['web'], REQUEST))) === 'died';
}

test('recover finishes or undoes a roll that died, between hosts and inside of one', async (t) => {
  const group = { beforeHost: HOOK, afterHost: HOOK };
  let kills = 0;
  const ends = new Map<string, number>();
  for (const [host, changes] of await changesOf(group))
    for (let nth = 1; nth <= changes; nth += EVERY) {
      const what = `${host}, change ${nth}`;
      const fleet = await fleetOf(3);
      const next = fleet.push();
      if (!(await killedAt(fleet, group, host, nth))) continue;
      kills++;
      await fleet.clock.run(fleet.clock.sleep(10_000));
      const answer = await fleet.operator(group).run((app) => app.recover([], REQUEST.signal));
      assert.ok(answer !== 'died', what);
      for (const one of answer.hosts) assert.equal(one.error, undefined, `${what}: ${JSON.stringify(one)}`);
      const runs = fleet.runs();
      assert.equal(new Set(runs).size, 1, `${what}: two versions are left: ${runs.map((run) => run.slice(7, 12))}`);
      const end = runs[0] === next ? 'finished' : 'undone';
      ends.set(end, (ends.get(end) ?? 0) + 1);
      assertWhole(fleet);
      const again = await rolled(fleet.operator());
      assert.equal(again.error, undefined, `${what}: ${JSON.stringify(again)}`);
      assert.deepEqual(fleet.runs(), [next, next, next], what);
    }
  assert.ok(kills > 20 && ends.size === 2, JSON.stringify([...ends]));
  t.diagnostic(`${kills} kills: ${[...ends].map(([end, count]) => `${count} ${end}`).join(', ')}`);
});

test('the next roll of the group takes over without recover, wherever the process died', async (t) => {
  let kills = 0;
  for (const [host, changes] of await changesOf({}))
    for (let nth = EVERY; nth <= changes; nth += EVERY) {
      const what = `${host}, change ${nth}`;
      const fleet = await fleetOf(3);
      const next = fleet.push();
      if (!(await killedAt(fleet, {}, host, nth))) continue;
      kills++;
      await fleet.clock.run(fleet.clock.sleep(10_000));
      const report = await rolled(fleet.operator());
      assert.equal(report.error, undefined, `${what}: ${JSON.stringify(report)}`);
      assert.deepEqual(fleet.runs(), [next, next, next], what);
      assertWhole(fleet);
    }
  t.diagnostic(`${kills} kills`);
});

test('recover moves no host by the lock of another engine', async () => {
  const fleet = await fleetOf(3);
  const next = fleet.push();
  assert.ok(await killedAt(fleet, {}, 'web2', 4));
  const { machine } = fleet.host('web3');
  const lock = [...machine.names.values()].find(({ name }) => name !== 'web') ?? assert.fail('web3 was not locked');
  remove(machine, lock, { force: true });
  await fleet.clock.run(fleet.clock.sleep(10_000));
  await fleet.operator().run((app) => app.recover([], REQUEST.signal));
  assert.deepEqual(fleet.runs(), [next, next, fleet.first]);
  await rolled(fleet.operator());
  assert.deepEqual(fleet.runs(), [next, next, next]);
  assertWhole(fleet);
});

test('recover runs the hooks after a host that the dead process had taken out of its load balancer', async () => {
  const group = { beforeHost: HOOK, afterHost: HOOK };
  const fleet = await fleetOf(2);
  fleet.push();
  const dying = fleet.operator(group);
  dying.processes.get('web1')?.crashAt('engine.rename', 1, 'before');
  assert.equal(await dying.run((app) => app.roll(['web'], REQUEST)), 'died');
  assert.deepEqual(dying.hooked, ['web1 before-host']);
  await fleet.clock.run(fleet.clock.sleep(10_000));
  const operator = fleet.operator(group);
  await operator.run((app) => app.recover([], REQUEST.signal));
  assert.ok(operator.hooked.includes('web1 after-host'), operator.hooked.join());
  assertWhole(fleet);
});
