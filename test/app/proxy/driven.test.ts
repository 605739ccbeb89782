// A service behind a proxy that is told, rolled by the shipped use cases on an engine in memory.

import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import type { ServiceReport } from '../../../src/core/report/report.ts';
import { askedTarget } from '../../../src/core/update/roll-target.ts';
import { assertAnswered, assertSafe, assertTrue, storyOf } from '../../matrix/checks.ts';
import { SETUPS } from '../../matrix/setups.ts';
import { command, PORT, recovered, type Stage, stageOf } from '../../matrix/stage.ts';
import { create, remove } from '../../memory/containers.ts';
import { end, start } from '../../memory/lifecycle.ts';
import type { Process } from '../../memory/process.ts';
import { addRoute, type MemoryProxy, restartProxy } from '../../memory/proxy.ts';

const NO_SIGNAL = new AbortController().signal;
const SAFE = { memories: false };

function proxyOf({ place }: Stage): MemoryProxy {
  return place.proxy ?? assert.fail('the stage has no proxy');
}

async function rolled(stage: Stage, process: Process = stage.open()): Promise<ServiceReport> {
  const report = await command(stage, process);
  if (report === 'died') return assert.fail('it died');
  assertTrue(stage, report);
  return report;
}

function relabel({ machine }: Stage, labels: Record<string, string | undefined>, name = 'web'): void {
  const box = machine.names.get(name) ?? assert.fail(`there is no ${name}`);
  const merged = { ...box.config.Labels, ...labels };
  const given = Object.entries(merged).filter((pair): pair is [string, string] => pair[1] !== undefined);
  box.config.Labels = Object.fromEntries(given);
  box.shown = undefined;
  machine.version++;
}

function wantedOf(stage: Stage): unknown[] {
  return proxyOf(stage).applied.map(({ wanted }) =>
    wanted.kind === 'baseline' ? 'baseline' : wanted.servers.map(({ state }) => state).join(', '),
  );
}

suite('before anything is touched', () => {
  const cases: [string, (stage: Stage) => unknown, string, RegExp][] = [
    ['an unknown driver', (stage) => relabel(stage, { 'swapctl.proxy': 'nginks:edge' }), 'config', /unknown driver/],
    ['a container that is not there', (stage) => relabel(stage, { 'swapctl.proxy': 'memory:egde' }), 'config', /egde/],
    ['the service itself', (stage) => relabel(stage, { 'swapctl.proxy': 'memory:web' }), 'config', /itself/],
    ['a route without a proxy', (stage) => relabel(stage, { 'swapctl.proxy': undefined }), 'config', /no proxy/],
    [
      'a proxy whose owner has not agreed',
      (stage) => relabel(stage, { 'swapctl.proxy.allow': undefined }, 'edge'),
      'refused',
      /edge does not let the labels of web name it/,
    ],
    [
      'a proxy whose owner agreed for another service',
      (stage) => relabel(stage, { 'swapctl.proxy.allow': 'shop/web, web2' }, 'edge'),
      'refused',
      /edge does not let the labels of web name it/,
    ],
    [
      'a proxy whose list is wrong',
      (stage) => relabel(stage, { 'swapctl.proxy.allow': 'a b' }, 'edge'),
      'config',
      /swapctl.proxy.allow/,
    ],
    [
      'a proxy of the host in a label',
      (stage) => relabel(stage, { 'swapctl.proxy': 'memory:host' }),
      'refused',
      /a label of web names a proxy of the host/,
    ],
    [
      'a route that is not there',
      (stage) => relabel(stage, { 'swapctl.proxy.route': 'shop' }),
      'proxy-config',
      /has no route shop/,
    ],
    [
      'a route of another service',
      (stage) => {
        relabel(stage, { 'swapctl.proxy.route': 'shop' });
        const config = { Image: 'edge:1' };
        const networks = { net: { Aliases: ['shop'] } };
        start(stage.machine, create(stage.machine, { name: 'shop', config, host: { NetworkMode: 'net' }, networks }));
        addRoute(proxyOf(stage), 'shop', { network: 'net', name: 'shop', port: PORT });
      },
      'proxy-config',
      /the route shop of memory:edge leads to shop, not to web/,
    ],
    [
      'a proxy out of reach',
      (stage) => Object.assign(proxyOf(stage), { downUntil: Number.POSITIVE_INFINITY }),
      'proxy-unreachable',
      /does not answer/,
    ],
    [
      'a broken configuration',
      (stage) => Object.assign(proxyOf(stage), { broken: true }),
      'proxy-config',
      /broken elsewhere/,
    ],
    [
      'a route that another roll changes',
      (stage) => {
        const route = proxyOf(stage).routes.get('app') ?? assert.fail();
        const servers = [{ address: '172.18.0.3:8080', state: 'ready', weight: 1 }] as const;
        route.wanted = { kind: 'servers', roll: 'another', servers };
        const labels = { 'swapctl.state.roll': 'another', 'swapctl.state.service': 'shop' };
        const state = { 'swapctl.state.role': 'replica', 'swapctl.state.slot': 'shop', 'swapctl.state.version': '1' };
        create(stage.machine, {
          name: 'shop',
          config: { Image: 'edge:1', Labels: { ...labels, ...state } },
          host: {},
          networks: {},
        });
      },
      'busy',
      /another roll \(another\)/,
    ],
  ];

  for (const [name, spoil, code, message] of cases)
    test(`${name} is refused`, async () => {
      const stage = await stageOf(SETUPS.told);
      spoil(stage);
      const process = stage.open();
      const report = await rolled(stage, process);
      assert.equal(report.error?.code, code, JSON.stringify(report));
      assert.match(report.error?.message ?? '', message);
      const changes = process.calls.filter(({ changes }) => changes);
      assert.deepEqual(changes, [], 'nothing was changed');
    });
});

suite('a proxy that is told', () => {
  test('is asked for each state of the roll, and is left as its owner wrote it', async () => {
    const stage = await stageOf(SETUPS.told);
    const report = await rolled(stage);
    assert.equal(report.outcome, 'rolled');
    assert.deepEqual(wantedOf(stage), ['ready', 'ready, draining', 'baseline']);
    assert.equal(report.proxy?.proxy, 'memory:edge');
    assert.equal(report.proxy?.version, '1.0');
    assert.match(report.because ?? '', /memory:edge switches and drains it by the route app/);
  });

  test('that keeps a server of the roll is reported', async () => {
    const stage = await stageOf(SETUPS.told);
    proxyOf(stage).leftovers = ['swapctl-r0ll1-2'];
    const report = await rolled(stage);
    assert.equal(report.outcome, 'rolled');
    assert.match(JSON.stringify(report.notes), /memory:edge keeps swapctl-r0ll1-2 of the roll without new requests/);
  });

  test('ends a drain once no request is under way', async () => {
    const stage = await stageOf({ ...SETUPS.told, busyMs: 700 });
    relabel(stage, { 'swapctl.drain.timeout': '30s' });
    const report = await rolled(stage);
    assert.equal(report.outcome, 'rolled');
    assert.deepEqual(report.connections && { busy: report.connections.busy, cut: report.connections.cut }, {
      busy: 1,
      cut: 0,
    });
    assert.ok((report.timings.drain ?? Infinity) < 1000, `${report.timings.drain} ms`);
  });

  test('does not wait for longer than the drain time', async () => {
    const stage = await stageOf({ ...SETUPS.told, busyMs: 60_000 });
    const report = await rolled(stage);
    assert.equal(report.outcome, 'rolled');
    assert.equal(report.connections?.cut, 1);
  });

  test('refuses the first change: nothing is started', async () => {
    const stage = await stageOf(SETUPS.told);
    proxyOf(stage).refusals.push('no such server', 'no such server', 'no such server');
    const process = stage.open();
    const report = await rolled(stage, process);
    assert.equal(report.error?.code, 'proxy-refused', storyOf(process));
    assert.match(report.error?.message ?? '', /no such server/);
    assert.ok(!process.calls.some(({ what }) => what === 'engine.start'));
    assertSafe(stage, SAFE);
  });

  test('refuses the switch: the old container goes on, and the proxy is as it was', async () => {
    const stage = await stageOf(SETUPS.told);
    const proxy = proxyOf(stage);
    proxy.refusals.push(undefined, 'out of memory', 'out of memory', 'out of memory');
    const process = stage.open();
    const report = await rolled(stage, process);
    assert.equal(report.error?.code, 'proxy-refused', storyOf(process));
    assert.deepEqual(wantedOf(stage), ['ready', 'baseline']);
    assertAnswered(stage, report);
    assertSafe(stage, SAFE);
  });

  test('refuses to go back to its own configuration: a person is told, and a recovery ends it', async () => {
    const stage = await stageOf(SETUPS.told);
    const proxy = proxyOf(stage);
    const no = 'the file system is read-only';
    proxy.refusals.push(undefined, undefined, no, no, no);
    const report = await rolled(stage);
    assert.equal(report.error?.code, 'attention');
    assert.match(report.error?.message ?? '', /return the route app of memory:edge.*read-only/);
    assert.deepEqual(
      (await recovered(stage, stage.open())).map(({ outcome }) => outcome),
      ['finished'],
    );
    assertAnswered(stage, undefined);
    assertSafe(stage, SAFE);
  });

  test('refuses once: it is asked again', async () => {
    const stage = await stageOf(SETUPS.told);
    proxyOf(stage).refusals.push(undefined, 'busy');
    assert.equal((await rolled(stage)).outcome, 'rolled');
    assertAnswered(stage, undefined);
    assertSafe(stage, SAFE);
  });

  test('is away for longer than a roll waits: both containers stay, and a recovery finishes the roll', async () => {
    const stage = await stageOf(SETUPS.told);
    const process = stage.open();
    const { clock } = stage.machine;
    process.before('engine.rename', 1, () => restartProxy(proxyOf(stage), stage.machine, 60_000));
    const report = await rolled(stage, process);
    assert.equal(report.error?.code, 'attention', storyOf(process));
    assert.match(report.error?.hint ?? '', /once the proxy works, run swapctl recover/);
    await clock.run(clock.sleep(60_000));
    assert.deepEqual(
      (await recovered(stage, stage.open())).map(({ outcome }) => outcome),
      ['finished'],
    );
    assertSafe(stage, SAFE);
  });

  test('that stays away does not keep a service from its end that is down meanwhile', async () => {
    const stage = await stageOf(SETUPS['told, stop-first']);
    const process = stage.open();
    const { clock } = stage.machine;
    process.before('engine.stop', 1, () => restartProxy(proxyOf(stage), stage.machine, 120_000));
    const report = await rolled(stage, process);
    assert.equal(report.outcome, 'rolled', storyOf(process));
    assert.ok(
      report.notes?.some((note) => /goes on without its proxy/.test(note)),
      JSON.stringify(report.notes),
    );
    await clock.run(clock.sleep(120_000));
    assertSafe(stage, SAFE);
  });

  test('whose owner has not agreed is not even asked by a recovery', async () => {
    const stage = await stageOf(SETUPS.told);
    const route = proxyOf(stage).routes.get('app') ?? assert.fail();
    const servers = [{ address: '172.18.0.3:8080', state: 'ready', weight: 1 }] as const;
    route.wanted = { kind: 'servers', roll: 'dead', servers };
    relabel(stage, { 'swapctl.proxy.allow': undefined }, 'edge');
    assert.deepEqual(await recovered(stage, stage.open()), []);
    assert.equal(route.wanted.kind, 'servers');
    relabel(stage, { 'swapctl.proxy.allow': 'web' }, 'edge');
    assert.deepEqual(
      (await recovered(stage, stage.open())).map(({ outcome }) => outcome),
      ['undone'],
    );
  });

  test('still acts for a roll of which nothing else is left: a recovery finds that by its roll', async () => {
    const stage = await stageOf(SETUPS.told);
    const process = stage.open();
    process.crashAt('engine.start', 1, 'before');
    assert.equal(await command(stage, process), 'died');
    const next = stage.machine.names.get('web.swapctl-next') ?? assert.fail();
    await remove(stage.machine, next, { force: true });
    assert.equal(proxyOf(stage).routes.get('app')?.wanted.kind, 'servers');
    const items = await recovered(stage, stage.open());
    assert.deepEqual(
      items.map(({ outcome, slot }) => `${slot} ${outcome}`),
      ['web undone'],
    );
    assertSafe(stage, SAFE);
    assert.deepEqual(await recovered(stage, stage.open()), []);
  });
});

suite('a canary', () => {
  test('gets its share of the requests of all replicas, is watched, and then gets them all', async () => {
    const stage = await stageOf({ ...SETUPS['told, canary'], replicas: 2 });
    const report = await rolled(stage);
    assert.equal(report.outcome, 'rolled');
    const weights = proxyOf(stage).applied.map(({ wanted }) =>
      wanted.kind === 'baseline'
        ? []
        : wanted.servers.filter(({ state }) => state === 'ready').map((one) => one.weight),
    );
    assert.deepEqual(weights.slice(0, 4), [[1, 1], [20, 90, 90], [1, 1], []]);
    assertSafe(stage, SAFE);
  });

  test('that fails gives the requests back', async () => {
    const stage = await stageOf(SETUPS['told, canary']);
    const { machine } = stage;
    const process = stage.open();
    process.before('engine.start', 1, () => {
      const next = machine.names.get('web.swapctl-next') ?? assert.fail();
      machine.clock.alarm(machine.clock.now() + 1000, () => end(machine, next, 3));
    });
    const report = await rolled(stage, process);
    assert.equal(report.error?.code, 'not-healthy', storyOf(process));
    assert.deepEqual(wantedOf(stage), ['ready', 'ready, ready', 'ready, draining', 'baseline']);
    assertSafe(stage, { memories: true, meddled: true });
  });

  test('is taken back if a user interrupts it', async () => {
    const stage = await stageOf(SETUPS['told, canary']);
    const { machine } = stage;
    const process = stage.open();
    const abort = new AbortController();
    process.before('engine.start', 1, () => {
      machine.clock.alarm(machine.clock.now() + 1000, () => abort.abort());
    });
    const report = await command(stage, process, abort.signal);
    assert.ok(report !== 'died');
    assert.equal(report.error?.code, 'interrupted', storyOf(process));
    assertAnswered(stage, report);
    assertSafe(stage, SAFE);
  });

  for (const [name, facts, labels, code] of [
    ['without weights', { weights: false }, {}, 'refused'],
    ['with a strategy that runs one at a time', {}, { 'swapctl.strategy': 'stop-first' }, 'refused'],
    [
      'without a proxy and the kernel layer',
      {},
      { 'swapctl.proxy': undefined, 'swapctl.proxy.route': undefined },
      'refused',
    ],
  ] as const)
    test(`${name} is refused`, async () => {
      const stage = await stageOf(SETUPS['told, canary']);
      Object.assign(proxyOf(stage).facts, facts);
      relabel(stage, labels);
      const process = stage.open();
      assert.equal((await rolled(stage, process)).error?.code, code);
      assert.ok(!process.calls.some(({ changes }) => changes));
    });
});

suite('a proxy that holds requests', () => {
  test('lets nobody wait in vain while one container replaces the other', async () => {
    const stage = await stageOf(SETUPS['told, held']);
    const report = await rolled(stage);
    assert.equal(report.outcome, 'rolled');
    const kinds = proxyOf(stage).applied.map(({ wanted }) => wanted.kind);
    assert.deepEqual(kinds, ['held', 'servers', 'baseline']);
    const refused = stage.watch.outages.filter(({ way }) => way.kind === 'proxy');
    assert.deepEqual(refused, []);
    assertSafe(stage, SAFE);
  });

  test('lets the old container have the requests again if the new one fails', async () => {
    const stage = await stageOf({ ...SETUPS['told, held'], bad: 'sick', rehearsal: false });
    const report = await rolled(stage);
    assert.equal(report.error?.code, 'not-healthy');
    const kinds = proxyOf(stage).applied.map(({ wanted }) => wanted.kind);
    assert.deepEqual(kinds, ['held', 'servers', 'baseline']);
    assert.deepEqual(
      stage.watch.outages.filter(({ way }) => way.kind === 'proxy'),
      [],
    );
    assertSafe(stage, { memories: true });
  });

  test('is not asked for where the other replicas serve', async () => {
    const stage = await stageOf(SETUPS['told, stop-first, scaled']);
    assert.equal((await rolled(stage)).outcome, 'rolled');
    assert.deepEqual(wantedOf(stage), [
      'draining, ready',
      'ready, ready',
      'baseline',
      'draining, ready',
      'ready, ready',
      'baseline',
    ]);
    assert.deepEqual(
      stage.watch.outages.filter(({ way }) => way.kind === 'proxy'),
      [],
    );
    assertSafe(stage, SAFE);
  });
});

suite('a proxy that is restarted in the middle', () => {
  for (const at of [
    'engine.create',
    'engine.start',
    'engine.rename',
    'engine.setRestart',
    'engine.stop',
    'engine.remove',
  ])
    for (const downMs of [0, 2000])
      test(`just before ${at}, away for ${downMs} ms`, async () => {
        const stage = await stageOf(SETUPS.told);
        const process = stage.open();
        // The first container that a roll creates is its lock.
        process.before(at, at === 'engine.create' ? 2 : 1, () => restartProxy(proxyOf(stage), stage.machine, downMs));
        const report = await rolled(stage, process);
        assert.equal(report.outcome, 'rolled', storyOf(process));
        assertSafe(stage, SAFE);
      });

  test('gets the overlay back while a slow container is waited for', async () => {
    const stage = await stageOf(SETUPS.told);
    const process = stage.open();
    const { clock, machine } = { clock: stage.machine.clock, machine: stage.machine };
    process.before('engine.start', 1, () => {
      const next = machine.names.get('web.swapctl-next') ?? assert.fail();
      next.app = { ...next.app, readyMs: 4000 };
      clock.alarm(clock.now() + 100, () => restartProxy(proxyOf(stage), machine, 0));
    });
    const report = await rolled(stage, process);
    assert.equal(report.outcome, 'rolled', storyOf(process));
    const notes = process.progress.flatMap((one) => (one.kind === 'note' ? [one.text] : []));
    assert.ok(
      notes.some((text) => /had lost the overlay/.test(text)),
      storyOf(process),
    );
    const [, again] = wantedOf(stage);
    assert.equal(again, 'ready');
    assertSafe(stage, SAFE);
  });
});

test('two services are rolled at once by two routes of one proxy', async () => {
  const stage = await stageOf(SETUPS.told);
  const { machine, place } = stage;
  const proxy = proxyOf(stage);
  const web = machine.names.get('web') ?? assert.fail();
  const old = machine.tags.get('docker.io/library/app:1') ?? web.image.id;
  const labels = { ...web.config.Labels, 'swapctl.proxy.route': 'shop' };
  const id = create(machine, {
    name: 'shop',
    config: { Image: old, Labels: labels, Env: [], StopTimeout: 1 },
    host: { NetworkMode: 'net', RestartPolicy: { Name: 'always' } },
    networks: { net: { Aliases: ['shop'] } },
  });
  start(machine, id);
  addRoute(proxy, 'shop', { network: 'net', name: 'shop', port: PORT });
  await machine.clock.run(machine.clock.sleep(1000));
  const request = { signal: NO_SIGNAL, overrides: {}, pull: 'never' } as const;
  const both = Promise.all([
    stage.open().run((app) => app.roll(['web'], request)),
    stage.open().run((app) => app.roll(['shop'], { ...request, target: askedTarget({ image: 'app:live' }) })),
  ]);
  const ends = await machine.clock.run(both);
  const outcomes = ends.map((end) => (end === 'died' ? 'died' : end.value[0]?.outcome));
  assert.deepEqual(outcomes, ['rolled', 'rolled'], JSON.stringify(ends));
  assertAnswered(stage, undefined);
  for (const [name, route] of place.proxy?.routes ?? []) assert.equal(route.wanted.kind, 'baseline', name);
  for (const name of ['app', 'shop']) assert.equal(proxy.applied.filter(({ route }) => route === name).length, 3);
});

test('a plan names the proxy and its limits, and doctor tests it', async () => {
  const stage = await stageOf(SETUPS.told);
  Object.assign(proxyOf(stage).facts, { warnings: ['a reload closes idle connections'], keepsIdleClients: false });
  const { clock } = stage.machine;
  const planned = await clock.run(
    stage.open().run((app) => app.plan(['web'], { signal: NO_SIGNAL, overrides: {}, pull: 'never' })),
  );
  assert.ok(planned !== 'died');
  const [slot] = planned.value[0]?.slots ?? [];
  assert.equal(slot?.proxy?.version, '1.0');
  assert.deepEqual(slot?.notes, ['memory:edge: a reload closes idle connections']);
  assert.ok(slot?.steps.includes('return the route app of memory:edge to its own configuration'));
  const found = await clock.run(stage.open().run((app) => app.doctor()));
  assert.ok(found !== 'died');
  const finding = found.value.find(({ check }) => check === 'proxy of web');
  assert.equal(finding?.state, 'limited');
  assert.match(finding?.found ?? '', /memory:edge \(memory 1\.0\) switches the route app at port 8080/);
  proxyOf(stage).broken = true;
  const broken = await clock.run(stage.open().run((app) => app.doctor()));
  assert.ok(broken !== 'died');
  assert.equal(broken.value.find(({ check }) => check === 'proxy of web')?.state, 'problem');
});
