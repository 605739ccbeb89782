// Rolls of Swarm services on a Swarm in memory: every ending, and a death at every call.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import type { App } from '../../../src/app/app.ts';
import type { SwapError } from '../../../src/core/model/error.ts';
import { ownLabels } from '../../../src/core/model/own-labels.ts';
import type { SwarmService } from '../../../src/core/swarm/model.ts';
import { type Behaviour, DEFAULT_UPDATE } from '../../memory/swarm.ts';
import { NEW, OLD, type SwarmWorld, swarmWorld } from './world.ts';

const signal = new AbortController().signal;
const roll = (app: App) => app.roll(['web'], { signal });

function world(behaviour: Behaviour, given: Partial<SwarmService> = {}): SwarmWorld {
  const made = swarmWorld();
  made.swarm.behaviours.set(NEW, behaviour);
  made.swarm.add('web', { image: OLD, ...given });
  return made;
}

const ENDS: Behaviour = { kind: 'ends', exitCode: 3 };

suite('a roll', () => {
  test('ends once all tasks run the new image, and is in the history', async () => {
    const { swarm, process } = world({ kind: 'runs' });
    const one = process();
    const reports = await one.run(roll);
    assert.ok(reports !== 'died');
    assert.deepEqual([reports[0]?.outcome, reports[0]?.replicas?.length], ['rolled', 2]);
    assert.equal(swarm.serviceOf('web').image, NEW);
    assert.deepEqual(roles(swarm), ['swarm-history']);
    const history = await one.run((app) => app.history('web'));
    assert.ok(history !== 'died');
    assert.deepEqual(
      history.entries.map(({ event }) => event),
      ['rolled', 'started'],
    );
  });

  const actions = ['pause', 'rollback', 'continue'] as const;
  for (const failureAction of actions)
    test(`to an image that ends goes back, with failure action ${failureAction}`, async () => {
      const { swarm, process } = world(ENDS, { updateConfig: { ...DEFAULT_UPDATE, failureAction } });
      const one = process();
      const reports = await one.run(roll);
      assert.ok(reports !== 'died');
      assert.deepEqual([reports[0]?.outcome, reports[0]?.error?.code], ['failed', 'not-healthy']);
      assert.match(reports[0]?.error?.message ?? '', /web\.\d@one: task: non-zero exit \(3\)/);
      assert.deepEqual(reports[0]?.error?.log, ['cannot read the settings']);
      assertRuns(swarm, OLD);
      const again = await one.run(roll);
      assert.ok(again !== 'died');
      assert.equal(again[0]?.error?.code, 'known-bad');
      const [checked] = assertThere(await one.run((app) => app.check(['web'], signal)));
      assert.equal(checked?.held, 'failed');
    });

  test('to an image that ends well counts as failed, whatever its exit status', async () => {
    const { swarm, process } = world({ kind: 'ends', exitCode: 0 });
    const [report] = assertThere(await process().run(roll));
    assert.equal(report?.error?.code, 'not-healthy');
    assertRuns(swarm, OLD);
  });

  test('to an image that dies after the monitor period, but within the settle time, goes back', async () => {
    const { swarm, process } = world(
      { kind: 'ends', exitCode: 5, afterMs: 11_000 },
      { updateConfig: { ...DEFAULT_UPDATE, monitorMs: 1000 } },
    );
    const [report] = assertThere(
      await process().run((app) => app.roll(['web'], { signal, overrides: { settle: '20s' } })),
    );
    assert.equal(report?.error?.code, 'not-healthy');
    assertRuns(swarm, OLD);
  });

  test('that stands still ends by its own deadline, and the image is not rejected', async () => {
    const { swarm, clock, process } = world({ kind: 'starts for ever' });
    const began = clock.now();
    const one = process();
    const [report] = assertThere(await one.run(roll));
    assert.equal(report?.error?.code, 'stuck');
    assert.match(report?.error?.message ?? '', /1 new task stays starting/);
    assert.ok(clock.now() - began < 120_000);
    assertRuns(swarm, OLD);
    const [checked] = assertThere(await one.run((app) => app.check(['web'], signal)));
    assert.equal(checked?.outcome, 'available');
  });

  test('leaves a service to the process that changes its image meanwhile', async () => {
    const { swarm, clock, process } = world({ kind: 'runs' });
    clock.alarm(clock.now() + 2500, () => swarm.change('web', { image: 'registry.test/app:other' }));
    const [report] = assertThere(await process().run(roll));
    assert.equal(report?.error?.code, 'busy');
    assert.equal(swarm.serviceOf('web').image, 'registry.test/app:other');
  });

  test('goes on while another process changes labels', async () => {
    const { swarm, clock, process } = world({ kind: 'runs' });
    const labels = ownLabels({ name: 'web', imageId: '', labels: { team: 'shop' } }, {});
    clock.alarm(clock.now() + 9000, () => swarm.change('web', { labels }));
    const [report] = assertThere(await process().run(roll));
    assert.equal(report?.outcome, 'rolled');
    assert.equal(swarm.serviceOf('web').labels.team, 'shop');
  });

  test('is refused while another process holds the lock, or Swarm updates it', async () => {
    const { swarm, clock, process } = world({ kind: 'runs' });
    const [one, two] = [process(), process()];
    const both = await clock.run(Promise.all([roll(one.app), clock.sleep(2000).then(() => roll(two.app))]));
    assert.deepEqual(
      both.map(([report]) => report?.error?.code ?? report?.outcome),
      ['rolled', 'busy'],
    );
    swarm.change('web', { image: OLD });
    await clock.run(clock.sleep(500));
    const [third] = assertThere(await one.run(roll));
    assert.equal(third?.error?.code, 'busy');
  });

  test('can be rolled back, and what was left is not taken again', async () => {
    const { swarm, process } = world({ kind: 'runs' });
    const one = process();
    await one.run(roll);
    const back = assertThere(await one.run((app) => app.rollback('web', { signal })));
    assert.equal(back.outcome, 'rolled-back');
    assertRuns(swarm, OLD);
    const [again] = assertThere(await one.run(roll));
    assert.equal(again?.error?.code, 'known-bad');
  });
});

test('a way back that fails needs attention, and does not claim that the old image runs', async () => {
  const { swarm, process } = world(ENDS, { updateConfig: { ...DEFAULT_UPDATE, order: 'stop-first' } });
  swarm.behaviours.set(OLD, { kind: 'ends', exitCode: 1 });
  const [report] = assertThere(await process().run(roll));
  assert.equal(report?.error?.code, 'attention');
  assert.match(report?.error?.message ?? '', /could not go back to/);
  assert.doesNotMatch(report?.error?.message ?? '', /again/);
  assert.deepEqual(roles(swarm), ['swarm-failed']);
});

suite('a manager that does not answer', () => {
  test('for some time is waited for, and the roll goes on', async () => {
    const { clock, process } = world({ kind: 'runs' });
    const one = process();
    clock.alarm(clock.now() + 3000, () => one.loseManager(true));
    clock.alarm(clock.now() + 60_000, () => one.loseManager(false));
    const [report] = assertThere(await one.run(roll));
    assert.equal(report?.outcome, 'rolled');
    const notes = one.progress.flatMap((line) => (line.kind === 'note' ? [line.text] : []));
    assert.equal(notes.filter((text) => /web: the manager does not answer/.test(text)).length, 1);
  });

  test('any more leaves the update with Swarm, and another process finishes the roll', async () => {
    const { swarm, clock, process } = world({ kind: 'runs' });
    const one = process();
    clock.alarm(clock.now() + 3000, () => one.loseManager(true));
    const [report] = assertThere(await one.run(roll));
    assert.equal(report?.error?.code, 'attention', 'not the status that says that nothing was touched');
    assert.match(report?.error?.message ?? '', /Swarm has the update of web .* no longer answers/);
    one.suspend();
    const [item] = assertThere(await process().run((app) => app.recover(['web'], signal)));
    assert.equal(item?.outcome, 'finished');
    assertRuns(swarm, NEW);
    assert.deepEqual(roles(swarm), ['swarm-history']);
  });
});

test('a client that puts the old image back is told as one, and the image is not rejected', async () => {
  const { swarm, clock, process } = world({ kind: 'runs' });
  clock.alarm(clock.now() + 2500, () => swarm.change('web', { image: OLD }));
  const [report] = assertThere(await process().run(roll));
  assert.equal(report?.error?.code, 'unproven');
  assert.match(report?.error?.message ?? '', /another client/);
  assert.deepEqual(roles(swarm), []);
});

test('the service that swapctl itself runs in is not rolled, and skipped by updates', async () => {
  const { swarm, process } = world({ kind: 'runs' }, { labels: labelled({ 'swapctl.enable': 'true' }) });
  const inside = process({ runsIn: swarm.serviceOf('web').id });
  const [report] = assertThere(await inside.run(roll));
  assert.equal(report?.error?.code, 'refused');
  const { services } = assertThere(await inside.run((app) => app.update(['web'], { signal })));
  assert.deepEqual(
    services.map(({ outcome }) => outcome),
    ['skipped'],
  );
  assertRuns(swarm, OLD);
});

test('a process whose lock was taken over changes nothing any more, and leaves the lock to its holder', async () => {
  const made = world({ kind: 'starts for ever' });
  const [first, second] = [made.process(), made.process()];
  const run = made.clock.run(roll(first.app));
  made.clock.alarm(made.clock.now() + 5000, () => first.suspend());
  made.clock.alarm(made.clock.now() + 6000, () => void second.app.recover(['web'], signal));
  made.clock.alarm(made.clock.now() + 10_000, () => first.goOn());
  const [report] = await run;
  assert.equal(report?.error?.code, 'attention');
  assert.match(report?.error?.message ?? '', /lock of web was lost/);
  assert.ok(roles(made.swarm).includes('swarm-lock'));
});

suite('options', () => {
  test('a plan explains the settings of the service', async () => {
    const { process } = world(
      { kind: 'runs' },
      { labels: labelled({ 'swapctl.enable': 'true', 'swapctl.settle': '7s' }) },
    );
    const [plan] = assertThere(await process().run((app) => app.plan(['web'], { signal, explain: true })));
    const settle = plan?.explained?.settings.find(({ setting }) => setting === 'settle');
    assert.deepEqual([settle?.value, settle?.where], ['7s', 'swapctl.settle']);
    assert.deepEqual(
      plan?.slots.map(({ verdict }) => verdict),
      ['roll'],
    );
  });

  test('that Swarm can not follow are refused, and not passed over', async () => {
    const { swarm, process } = world({ kind: 'runs' });
    const [pulled] = assertThere(await process().run((app) => app.roll(['web'], { signal, pull: 'never' })));
    assert.equal(pulled?.error?.code, 'usage');
    const back = assertThere(await process().run((app) => app.rollback('web', { signal, withVolumes: true })));
    assert.equal(back.error?.code, 'usage');
    assertRuns(swarm, OLD);
  });
});

suite('what happens by itself', () => {
  const ENABLED = { labels: labelled({ 'swapctl.enable': 'true', 'swapctl.settle': '1s' }) };

  test('an opted-in service is updated, and one that is not is left alone', async () => {
    const { swarm, process } = world({ kind: 'runs' }, ENABLED);
    swarm.add('other', { image: OLD });
    const report = assertThere(
      await process().run((app) => app.update([], { signal, only: new Set(['web', 'other']) })),
    );
    assert.deepEqual(
      report.services.map(({ service, outcome }) => [service, outcome]),
      [['web', 'updated']],
    );
    assert.equal(swarm.serviceOf('other').image, OLD);
  });

  test('a rejected image is held at the next run', async () => {
    const { process } = world(ENDS, ENABLED);
    const one = process();
    const runs = [1, 2].map(() => (app: App) => app.update(['web'], { signal }));
    const outcomes: string[] = [];
    for (const run of runs) outcomes.push(...assertThere(await one.run(run)).services.map(({ outcome }) => outcome));
    assert.deepEqual(outcomes, ['failed', 'held']);
  });

  test('a dead roll is ended before the next update', async () => {
    const { swarm, process } = world({ kind: 'runs' }, ENABLED);
    const first = process();
    const calls = await callsOf({ kind: 'runs' }, ENABLED);
    const sent = calls.indexOf('setImage') + 1;
    assert.equal(await first.run(roll, { nth: sent, after: true }), 'died');
    const report = assertThere(await process().run((app) => app.update(['web'], { signal })));
    assert.deepEqual(
      report.services.map(({ outcome }) => outcome),
      ['current'],
    );
    assertRuns(swarm, NEW);
    assert.deepEqual(roles(swarm), ['swarm-history']);
  });

  test('a push concerns the service that tracks its tag', async () => {
    const { process } = world({ kind: 'runs' }, ENABLED);
    const pushes = [{ repository: 'registry.test/app', tags: ['stable'] }];
    const found = assertThere(await process().run((app) => app.hinted(['web'], { pushes, overrides: {} })));
    assert.deepEqual(
      found.map(({ service, checked }) => [service, checked]),
      [['web', true]],
    );
  });
});

test('200 services cost status and check as many requests as one', async () => {
  const { swarm, process } = world({ kind: 'runs' });
  for (let number = 0; number < 199; number++) swarm.add(`web-${number}`, { image: OLD });
  const names = ['web', ...Array.from({ length: 199 }, (_, number) => `web-${number}`)];
  const one = process();
  const lines = assertThere(await one.run((app) => app.status(names)));
  assert.deepEqual([lines.length, one.calls.length], [400, 4]);
  const checked = assertThere(await one.run((app) => app.check(names, signal)));
  assert.deepEqual([checked.length, one.calls.length - 4], [200, 2]);
  assert.equal(one.asked.length, 2, one.asked.join());
});

suite('a service that is no matter of a roll', () => {
  const REFUSED: readonly [string, Partial<SwarmService>, RegExp][] = [
    ['a job', { mode: 'job' }, /is a job/],
    ['scaled to 0', { replicas: 0 }, /scaled to 0/],
    ['paused', { update: { state: 'paused', startedAt: 0, message: 'update paused' } }, /is paused/],
    ['with a probe', { labels: labelled({ 'swapctl.health.tcp': '80' }) }, /reaches no task/],
    ['with a backup', { labels: labelled({ 'swapctl.backup.volumes': 'data' }) }, /other nodes/],
  ];
  for (const [what, given, says] of REFUSED)
    test(what, async () => {
      const { swarm, process } = world({ kind: 'runs' }, given);
      const [report] = assertThere(await process().run(roll));
      assert.equal(report?.error?.code, 'refused');
      assert.match(report?.error?.message ?? '', says);
      assert.equal(swarm.serviceOf('web').image, OLD);
      assert.deepEqual(roles(swarm), []);
    });
});

suite('after a death at any call', () => {
  const cases: readonly [string, Behaviour, Partial<SwarmService>, string][] = [
    ['of a good roll', { kind: 'runs' }, {}, 'either'],
    ['of a bad roll', ENDS, {}, OLD],
    ['of a roll that Swarm takes back', ENDS, { updateConfig: { ...DEFAULT_UPDATE, failureAction: 'rollback' } }, OLD],
  ];
  for (const [what, behaviour, given, end] of cases)
    test(`${what}, recover ends it, and the next roll is as any other`, async (t) => {
      const calls = await callsOf(behaviour, given);
      let deaths = 0;
      for (const nth of changing(calls))
        for (const after of [false, true]) {
          const made = world(behaviour, given);
          const first = made.process();
          const result = await first.run(roll, { nth, after });
          if (result !== 'died') continue;
          deaths++;
          const next = made.process();
          const items = assertThere(await next.run((app) => app.recover(['web'], signal)));
          const at = `died ${after ? 'after' : 'before'} ${calls[nth - 1]} (${nth}): ${JSON.stringify(items)}`;
          assert.ok(
            items.every(({ outcome }) => ['finished', 'undone', 'removed'].includes(outcome)),
            at,
          );
          const { image } = made.swarm.serviceOf('web');
          assert.ok(end === 'either' ? [OLD, NEW].includes(image) : image === end, at);
          assertRuns(made.swarm, image, at);
          assert.ok(!roles(made.swarm).includes('swarm-lock'), at);
          const [report] = assertThere(await next.run((app) => app.roll(['web'], { signal, force: end !== 'either' })));
          const good = end === 'either' ? ['rolled', 'unchanged'] : ['failed'];
          assert.ok(good.includes(report?.outcome ?? ''), `${at}: ${JSON.stringify(report)}`);
        }
      t.diagnostic(`${deaths} deaths`);
      assert.ok(deaths > 10);
    });
});

async function callsOf(behaviour: Behaviour, given: Partial<SwarmService>): Promise<readonly string[]> {
  const one = world(behaviour, given).process();
  await one.run(roll);
  return one.calls;
}

// Consecutive observations are alike: the first and the last of a row stand for all.
function changing(calls: readonly string[]): number[] {
  const isLook = (name: string | undefined): boolean => name === 'service' || name === 'tasks' || name === 'configs';
  return calls.flatMap((name, at) => {
    const inside = isLook(calls[at - 1]) && isLook(name) && isLook(calls[at + 1]);
    return inside && at % 7 !== 0 ? [] : [at + 1];
  });
}

function labelled(labels: Record<string, string>) {
  return ownLabels({ name: 'web', imageId: '', labels }, {});
}

function roles(swarm: SwarmWorld['swarm']): (string | undefined)[] {
  return swarm.configs().map(({ labels }) => labels['swapctl.state.role']);
}

function assertThere<T>(value: T | 'died'): T {
  assert.notEqual(value, 'died');
  return value as T;
}

function assertRuns(swarm: SwarmWorld['swarm'], image: string, at?: string): void {
  const wanted = swarm.tasksOf('web').filter(({ desired }) => desired === 'running');
  assert.deepEqual(
    wanted.map((task) => [task.image, task.state]),
    [
      [image, 'running'],
      [image, 'running'],
    ],
    at,
  );
}

suite('names', () => {
  test('a service without tasks has a line of its own', async () => {
    const { process } = world({ kind: 'runs' }, { replicas: 0 });
    const lines = assertThere(await process().run((app) => app.status(['web'])));
    assert.deepEqual(
      lines.map(({ container, phase, health }) => [container, phase, health]),
      [['web', 'stopped', 'no task']],
    );
  });

  test('what is not there is an error that lists the services, and recover may name it', async () => {
    const { process } = world({ kind: 'runs' });
    const one = process();
    await assert.rejects(
      one.run((app) => app.plan(['wep'], { signal })),
      (error: SwapError) => {
        assert.equal(error.code, 'not-found');
        assert.match(error.hint ?? '', /Swarm services: web/);
        return true;
      },
    );
    assert.deepEqual(await one.run((app) => app.recover(['gone'], signal)), []);
  });
});
