// Rolls of groups of hosts, on engines in memory.

import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { askedTarget } from '../../../src/core/update/roll-target.ts';
import { SOUND } from '../../memory/apps.ts';
import { build } from '../../memory/images.ts';
import { assertWhole, exitOf, fleetOf, IMAGE, outcomes, REQUEST, rolled } from './fleet.ts';

const SICK = { readyMs: Infinity };
const HOOK = [{ kind: 'run', program: 'lb', args: [] }] as const;

suite('a good image', () => {
  test('goes to the canary host first, then to the others in order', async () => {
    const fleet = await fleetOf(5);
    const next = fleet.push();
    const operator = fleet.operator({ canary: 'web3', bakeMs: 20_000, beforeHost: HOOK, afterHost: HOOK });
    const began = fleet.clock.now();
    const report = await rolled(operator);
    assert.equal(report.outcome, 'rolled', JSON.stringify(report));
    assert.equal(exitOf(report), 0);
    assert.deepEqual(
      report.hosts.map(({ host }) => host),
      ['web3', 'web1', 'web2', 'web4', 'web5'],
    );
    assert.deepEqual([report.image, report.digest], ['registry.test/app:live', next]);
    assert.deepEqual(
      operator.hooked,
      ['web3', 'web1', 'web2', 'web4', 'web5'].flatMap((host) => [`${host} before-host`, `${host} after-host`]),
    );
    assert.deepEqual(fleet.runs(), Array(5).fill(next));
    assert.ok(fleet.clock.now() - began > 20_000, 'the canary host baked');
    assertWhole(fleet);
  });

  test('is asked of the registry once', async () => {
    const fleet = await fleetOf(3);
    fleet.push();
    const operator = fleet.operator();
    await rolled(operator);
    const asked = [...operator.processes].map(([host, { calls }]) => [
      host,
      calls.filter(({ what }) => what === 'engine.resolve' || what === 'registry.digest').length,
    ]);
    assert.deepEqual(asked, [
      ['web1', 1],
      ['web2', 0],
      ['web3', 0],
    ]);
  });

  test('goes to several hosts at once after the canary host', async () => {
    const fleet = await fleetOf(5);
    const next = fleet.push();
    const operator = fleet.operator({ atOnce: 2, beforeHost: HOOK });
    const report = await rolled(operator);
    assert.equal(report.outcome, 'rolled');
    assert.deepEqual(
      operator.hooked.map((text) => text.split(' ')[0]),
      ['web1', 'web2', 'web3', 'web4', 'web5'],
    );
    assert.deepEqual(fleet.runs(), Array(5).fill(next));
    assertWhole(fleet);
  });

  test('that all hosts run already takes no lock', async () => {
    const fleet = await fleetOf(3);
    const operator = fleet.operator();
    const report = await rolled(operator);
    assert.equal(report.outcome, 'unchanged');
    const changes = [...operator.processes.values()].flatMap(({ calls }) => calls.filter((call) => call.changes));
    assert.deepEqual(
      changes.map(({ what }) => what).filter((what) => what.startsWith('engine.')),
      [],
    );
  });

  test('reaches the hosts that an earlier roll has left', async () => {
    const fleet = await fleetOf(3);
    const next = fleet.push();
    await rolled(fleet.operator({ hosts: ['web2'] }));
    const report = await rolled(fleet.operator());
    assert.deepEqual(outcomes(report), { web1: 'rolled', web2: 'unchanged', web3: 'rolled' });
    assert.deepEqual(fleet.runs(), Array(3).fill(next));
    assertWhole(fleet);
  });
});

suite('a bad image', () => {
  test('is refused on the canary host, and the others stay untouched', async () => {
    const fleet = await fleetOf(5);
    const bad = fleet.push(SICK);
    const report = await rolled(fleet.operator());
    assert.equal(report.outcome, 'failed');
    assert.equal(exitOf(report), 1, JSON.stringify(report));
    assert.deepEqual(outcomes(report), {
      web1: 'failed',
      web2: 'untouched',
      web3: 'untouched',
      web4: 'untouched',
      web5: 'untouched',
    });
    assert.match(report.error?.message ?? '', /^web1: /);
    assert.deepEqual(fleet.runs(), Array(5).fill(fleet.first));
    const again = await rolled(fleet.operator({ canary: 'web4' }));
    assert.equal(again.error?.code, 'known-bad', `${bad} is held for the whole group: ${JSON.stringify(again)}`);
    assert.match(again.error?.message ?? '', /^web1: /);
    assert.equal(exitOf(again), 1);
    const checked = await fleet.operator().run((app) => app.check([], REQUEST.signal));
    assert.ok(checked !== 'died');
    const lines = checked.hosts.map(({ report: own }) => own?.[0]);
    assert.deepEqual(
      lines.map((line) => line?.outcome),
      Array(5).fill('held'),
    );
    assert.equal(lines[3]?.because, 'it failed on web1');
    assertWhole(fleet);
  });

  test('that shows itself in the bake time takes the canary host back, and is rejected', async () => {
    const fleet = await fleetOf(3);
    fleet.push({ ends: { afterMs: 15_000, code: 1 } });
    const report = await rolled(fleet.operator({ bakeMs: 30_000 }));
    assert.deepEqual(outcomes(report), { web1: 'rolled-back', web2: 'untouched', web3: 'untouched' });
    assert.match(report.error?.message ?? '', /^web1: web .* during the bake time/);
    assert.equal(exitOf(report), 1, JSON.stringify(report));
    assert.deepEqual(fleet.runs(), Array(3).fill(fleet.first));
    assert.equal((await rolled(fleet.operator())).error?.code, 'known-bad');
  });
});

suite('a host that fails in its turn', () => {
  const failing = async (onFailure: 'halt' | 'back') => {
    const fleet = await fleetOf(4);
    const next = fleet.push();
    const operator = fleet.operator({ onFailure });
    operator.processes.get('web3')?.fail('engine.pull', 1, 500);
    return { fleet, next, report: await rolled(operator) };
  };

  test('halts the group, and asks for attention to the two versions', async () => {
    const { fleet, next, report } = await failing('halt');
    assert.deepEqual(outcomes(report), { web1: 'rolled', web2: 'rolled', web3: 'failed', web4: 'untouched' });
    assert.match(
      report.attention?.[0]?.message ?? '',
      /runs the new image on web1, web2 and the old one on web3, web4/,
    );
    assert.equal(exitOf(report), 3);
    assert.deepEqual(fleet.runs(), [next, next, fleet.first, fleet.first]);
    const again = await rolled(fleet.operator());
    assert.deepEqual(outcomes(again), { web1: 'unchanged', web2: 'unchanged', web3: 'rolled', web4: 'rolled' });
    assertWhole(fleet);
  });

  test('takes the finished hosts back in reverse order', async () => {
    const { fleet, report } = await failing('back');
    assert.deepEqual(outcomes(report), {
      web1: 'rolled-back',
      web2: 'rolled-back',
      web3: 'failed',
      web4: 'untouched',
    });
    assert.match(report.error?.message ?? '', /^web3: .*; web1, web2 went back to the old image$/);
    assert.equal(exitOf(report), 1, JSON.stringify(report));
    assert.deepEqual(fleet.runs(), Array(4).fill(fleet.first));
    assertWhole(fleet);
  });

  test('a rollback takes the hosts of a halted roll back, and leaves the others', async () => {
    const { fleet } = await failing('halt');
    const back = await fleet.operator().run((app) => app.rollback('web', REQUEST));
    assert.ok(back !== 'died');
    assert.deepEqual(outcomes(back), {
      web1: 'rolled-back',
      web2: 'rolled-back',
      web3: 'unchanged',
      web4: 'unchanged',
    });
    assert.equal(exitOf(back), 0);
    assert.deepEqual(fleet.runs(), Array(4).fill(fleet.first));
    assertWhole(fleet);
  });
});

suite('a host that can not be reached', () => {
  test('keeps every host from being touched', async () => {
    const fleet = await fleetOf(3);
    fleet.push();
    fleet.host('web3').away = true;
    const operator = fleet.operator();
    await assert.rejects(
      operator.run((app) => app.roll(['web'], REQUEST)),
      (error: { code?: string; message: string }) =>
        error.code === 'engine-unreachable' && /^web3 can't be reached/.test(error.message),
    );
    const changes = [...operator.processes.values()].flatMap(({ calls }) => calls.filter((call) => call.changes));
    assert.deepEqual(changes, []);
    assertWhole(fleet);
  });

  test('is skipped if that is asked for, and reported', async () => {
    const fleet = await fleetOf(3);
    const next = fleet.push();
    fleet.host('web1').away = true;
    const report = await rolled(fleet.operator({}, { skipUnreachable: true }));
    assert.deepEqual(outcomes(report), { web1: 'skipped', web2: 'rolled', web3: 'rolled' });
    assert.equal(report.outcome, 'rolled');
    assert.equal(exitOf(report), 5);
    assert.deepEqual(fleet.runs(), [fleet.first, next, next]);
    assertWhole(fleet);
  });

  for (const [when, call] of [
    ['before its turn', 'engine.create'],
    ['in its turn', 'engine.start'],
  ] as const)
    test(`${when} halts the group, and recover brings it to an end once it is back`, async () => {
      const fleet = await fleetOf(3);
      const next = fleet.push();
      const operator = fleet.operator();
      const lost = fleet.host('web2');
      const [name, nth] = when === 'before its turn' ? ['web1', 2] : ['web2', 1];
      operator.processes.get(name)?.before(call, nth, () => {
        lost.machine.up = false;
      });
      const report = await rolled(operator);
      assert.equal(report.outcome, 'failed', JSON.stringify(report));
      assert.deepEqual(outcomes(report), { web1: 'rolled', web2: 'failed', web3: 'untouched' });
      assert.equal(exitOf(report), 3);
      lost.machine.up = true;
      await fleet.clock.run(fleet.clock.sleep(60_000));
      await fleet.operator().run((app) => app.recover([], REQUEST.signal));
      const again = await rolled(fleet.operator());
      assert.equal(again.error, undefined, JSON.stringify(again));
      assert.deepEqual(fleet.runs(), Array(3).fill(next));
      assertWhole(fleet);
    });

  test('and answers nothing any more keeps no roll from its end', async () => {
    const fleet = await fleetOf(2);
    const next = fleet.push();
    const operator = fleet.operator();
    const silent = operator.processes.get('web1') ?? assert.fail();
    const { remove } = silent.ports.engine;
    operator.processes.get('web2')?.before('engine.start', 1, () => {
      silent.ports.engine.remove = () => new Promise(() => {});
    });
    const report = await rolled(operator);
    silent.ports.engine.remove = remove;
    assert.deepEqual(outcomes(report), { web1: 'rolled', web2: 'rolled' });
    assert.ok(operator.progress.some((one) => one.kind === 'note' && /^web1: its lock could not be/.test(one.text)));
    assert.deepEqual(fleet.runs(), [next, next]);
  });

  test('after its turn is no failure of the roll', async () => {
    const fleet = await fleetOf(3);
    const next = fleet.push();
    const operator = fleet.operator();
    const lost = fleet.host('web1');
    operator.processes.get('web3')?.before('engine.start', 1, () => {
      lost.machine.up = false;
    });
    const report = await rolled(operator);
    lost.machine.up = true;
    assert.deepEqual(outcomes(report), { web1: 'rolled', web2: 'rolled', web3: 'rolled' });
    assert.equal(exitOf(report), 0, JSON.stringify(report));
    await fleet.operator().run((app) => app.recover([], REQUEST.signal));
    assert.deepEqual(fleet.runs(), Array(3).fill(next));
    assertWhole(fleet);
  });
});

suite('what hosts disagree on', () => {
  test('a service that follows another image on one host is refused before anything is touched', async () => {
    const fleet = await fleetOf(2);
    fleet.push();
    const report = await fleet
      .operator()
      .run((app) => app.roll(['web'], { ...REQUEST, target: askedTarget({ image: 'registry.test/app:other' }) }));
    assert.ok(report !== 'died');
    assert.equal(report[0]?.error?.code, 'no-such-image');
    assert.deepEqual(outcomes(report[0] as never), { web1: 'untouched', web2: 'untouched' });
  });

  test('local images of one tag that differ are refused, and the same one is rolled', async () => {
    const fleet = await fleetOf(2);
    const tag = (name: string, images: number): string => {
      const { machine } = fleet.host(name);
      let id = '';
      machine.count = 1000;
      for (let at = 0; at < images; at++) id = build(machine, IMAGE, { app: SOUND });
      return id;
    };
    const roll = async () => {
      const ends = await fleet.operator().run((app) => app.roll(['web'], { ...REQUEST, pull: 'never' }));
      return (ends !== 'died' && ends[0]) || assert.fail('it died');
    };
    tag('web1', 1);
    tag('web2', 2);
    const refused = await roll();
    assert.equal(refused.error?.code, 'refused', JSON.stringify(refused));
    assert.match(
      refused.error?.message ?? '',
      /^web2: registry\.test\/app:live is another image on web2 than on web1$/,
    );
    const plan = await fleet.operator().run((app) => app.plan(['web'], { ...REQUEST, pull: 'never' }));
    assert.ok(plan !== 'died');
    assert.deepEqual(
      plan.hosts.map(({ error }) => error?.code),
      [undefined, 'refused'],
    );
    assert.equal(tag('web1', 1), tag('web2', 1));
    assert.deepEqual(outcomes(await roll()), { web1: 'rolled', web2: 'rolled' });
  });

  test('two hosts that are the same engine are refused', async () => {
    const fleet = await fleetOf(2);
    const operator = fleet.operator({}, { sameEngine: true });
    await assert.rejects(
      operator.run((app) => app.status([])),
      /web1 and web2 are the same engine/,
    );
  });

  test('a host that cannot list its containers counts as away, since it may be the engine of another one', async () => {
    const fleet = await fleetOf(3);
    fleet.push();
    const listless = ['web2'];
    const refused = fleet.operator({}, { sameEngine: true, listless });
    await assert.rejects(
      refused.run((app) => app.roll(['web'], REQUEST)),
      /web1 and web3 are the same engine/,
    );
    await assert.rejects(
      fleet.operator({}, { listless }).run((app) => app.roll(['web'], REQUEST)),
      /^SwapError: web2 can't be reached: the list is locked/,
    );
    assert.deepEqual(new Set(fleet.runs()), new Set([fleet.first]));
    const skipping = fleet.operator({}, { listless, skipUnreachable: true });
    assert.deepEqual(outcomes(await rolled(skipping)), { web1: 'rolled', web2: 'skipped', web3: 'rolled' });
  });

  test('a service that is missing on one host is refused', async () => {
    const fleet = await fleetOf(2);
    fleet.push();
    const operator = fleet.operator();
    const report = await operator.run((app) => app.roll(['other'], REQUEST));
    assert.ok(report !== 'died');
    assert.equal(report[0]?.error?.code, 'not-found');
    assert.match(report[0]?.error?.message ?? '', /^web1: /);
    assert.equal(exitOf(report[0] as never), 2);
  });
});

suite('hooks', () => {
  test('that fail before a host leave it untouched', async () => {
    const fleet = await fleetOf(3);
    const next = fleet.push();
    const operator = fleet.operator({ beforeHost: HOOK, afterHost: HOOK });
    operator.hookFails = (host, event) => host === 'web2' && event === 'before-host';
    const report = await rolled(operator);
    assert.deepEqual(outcomes(report), { web1: 'rolled', web2: 'failed', web3: 'untouched' });
    assert.match(report.error?.message ?? '', /^web2: the hook "run lb" before the host failed: it ended with 1$/);
    assert.equal(exitOf(report), 3);
    assert.deepEqual(fleet.runs(), [next, fleet.first, fleet.first]);
  });

  test('run after a host that keeps its old image, too', async () => {
    const fleet = await fleetOf(2);
    fleet.push(SICK);
    const operator = fleet.operator({ beforeHost: HOOK, afterHost: HOOK });
    await rolled(operator);
    assert.deepEqual(operator.hooked, ['web1 before-host', 'web1 after-host']);
  });

  test('that fail after a host ask for attention', async () => {
    const fleet = await fleetOf(2);
    fleet.push();
    const operator = fleet.operator({ afterHost: HOOK });
    operator.hookFails = () => true;
    const report = await rolled(operator);
    assert.deepEqual(outcomes(report), { web1: 'rolled', web2: 'untouched' });
    assert.equal(exitOf(report), 3);
  });
});

test('an interruption ends the group after the host whose turn it is', async () => {
  const fleet = await fleetOf(3);
  const next = fleet.push();
  const operator = fleet.operator();
  const interrupt = new AbortController();
  operator.processes.get('web1')?.before('engine.rename', 2, () => interrupt.abort());
  const report = await rolled(operator, interrupt.signal);
  assert.deepEqual(outcomes(report), { web1: 'rolled', web2: 'untouched', web3: 'untouched' });
  assert.equal(exitOf(report), 3);
  assert.deepEqual(fleet.runs(), [next, fleet.first, fleet.first]);
  assertWhole(fleet);
});

test('of two rolls of overlapping groups one is refused, and touches nothing', async () => {
  const fleet = await fleetOf(4);
  const next = fleet.push();
  // The bake is longer than the other process watches a lock.
  const one = fleet.operator({ hosts: ['web1', 'web2', 'web3'], bakeMs: 30_000 });
  const other = fleet.operator({ hosts: ['web4', 'web3', 'web2'], bakeMs: 30_000 }, { name: 'other' });
  const roll = (app: typeof one.app) => app.roll(['web'], REQUEST);
  const ends = await fleet.clock.run(Promise.all([one.begin(roll), other.begin(roll)]));
  const [first, second] = ends.map((end) => (end !== 'died' && end[0]) || assert.fail('it died'));
  assert.ok(first && second);
  const exits = [exitOf(first), exitOf(second)].sort();
  assert.deepEqual(exits, [0, 4], JSON.stringify([first, second]));
  const loser = exitOf(first) === 4 ? first : second;
  assert.deepEqual([...new Set(Object.values(outcomes(loser)))], ['untouched']);
  await rolled(fleet.operator());
  assert.deepEqual(fleet.runs(), Array(4).fill(next));
  assertWhole(fleet);
});

test('an update rolls a group once, and holds what failed on one of its hosts', async () => {
  const fleet = await fleetOf(3);
  const next = fleet.push();
  const good = await fleet.operator().run((app) => app.update([], REQUEST));
  assert.ok(good !== 'died');
  assert.deepEqual(
    good.hosts.map(({ report }) => report?.services.map(({ outcome }) => outcome)),
    Array(3).fill(['updated']),
  );
  assert.deepEqual(fleet.runs(), Array(3).fill(next));
  fleet.push(SICK);
  const bad = await fleet.operator().run((app) => app.update([], REQUEST));
  assert.ok(bad !== 'died');
  assert.deepEqual(
    bad.hosts.map(({ report }) => report?.services[0]?.outcome),
    ['failed', 'available', 'available'],
  );
  const later = await fleet.operator().run((app) => app.update([], REQUEST));
  assert.ok(later !== 'died');
  assert.deepEqual(
    later.hosts.map(({ report }) => report?.services[0]?.outcome),
    ['held', 'held', 'held'],
  );
  assert.deepEqual(fleet.runs(), Array(3).fill(next));
  assertWhole(fleet);
});
