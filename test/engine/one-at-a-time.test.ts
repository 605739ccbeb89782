// One roll of a service at a time, whoever begins it.
import assert from 'node:assert/strict';
import test from 'node:test';
import { createApp } from '../../src/app.ts';
import { killed } from '../chaos/kills.ts';
import { type Moment, momentReader, momentText } from '../chaos/moments.ts';
import { assertSafe } from '../chaos/subject.ts';
import { rollArgs } from '../chaos/ways.ts';
import { swapctl } from '../lab/cli.ts';
import { isPodman } from '../lab/engine.ts';
import { baseImage } from '../lab/images.ts';
import { testWorld, untilHealthy, type World } from '../lab/world.ts';
import { containerNames, openApp, quickly, retag } from './compose-app.ts';

// With a start period: many start at once here, and a slow start shall not count as a failure.
const QUICK_APP = { from: 'httpd', health: { intervalMs: 300, startPeriodMs: 20_000 } } as const;

/** A running container that a newer image is there for. */
async function outdated(world: World, suffix: string) {
  const reference = world.name(`${suffix}:dev`);
  await retag(world, await world.image('app:1', QUICK_APP), reference);
  const create = { HostConfig: { RestartPolicy: { Name: 'always' } } };
  const labels = { 'swapctl.settle': '300ms', 'swapctl.drain.timeout': '1s' };
  const container = await world.container(suffix, { image: reference, labels, create });
  await untilHealthy(container);
  await retag(world, await world.image('app:2', QUICK_APP), reference);
  return world.name(suffix);
}

/** Exactly one container is left of a service, under its own name, as it should be. Resolves with its version. */
async function assertOneIsLeft(world: World, name: string): Promise<string | undefined> {
  const names = (await containerNames(world)).filter((one) => one.startsWith(`${name}.`) || one === name);
  assert.deepEqual(names, [name]);
  const container = world.docker.getContainer(name);
  const { State, HostConfig, Config } = await container.inspect();
  assert.equal(State.Running, true, `${name} runs`);
  await untilHealthy(container);
  assert.equal(HostConfig.RestartPolicy?.Name, 'always');
  return Config.Env.find((pair) => pair.startsWith('VERSION='))?.slice('VERSION='.length);
}

async function appOf(world: World) {
  const { app, close } = await openApp(world);
  world.after(async () => close());
  return app;
}

test('of two rolls at once one wins, and the other is busy and harms nothing', async (t) => {
  const world = testWorld(t);
  const name = await outdated(world, 'web');
  const both = [1, 2].map(() => swapctl(rollArgs(name), { env: world.env, netns: world.netns }));
  const outcomes = (await Promise.all(both)).map(({ json }) => json().error?.code ?? json().outcome);
  assert.deepEqual(outcomes.sort(), ['busy', 'rolled']);
  assert.equal(await assertOneIsLeft(world, name), '2');
});

test('a roll in the middle keeps a second one away, and recover as well', async (t) => {
  const world = testWorld(t);
  const name = await outdated(world, 'web');
  const app = await appOf(world);
  const read = momentReader();
  let met = false;
  const first = await swapctl(rollArgs(name), {
    env: world.env,
    netns: world.netns,
    atLine: async (line) => {
      const moment = read(line);
      if (!moment || momentText(moment) !== 'after rename#1') return;
      const [report] = await app.roll([name], quickly());
      assert.equal(report?.error?.code, 'busy', JSON.stringify(report));
      const items = await app.recover([name], new AbortController().signal);
      assert.deepEqual(
        items.map(({ outcome }) => outcome),
        ['busy'],
      );
      met = true;
    },
  });
  assert.ok(met, first.stderr);
  assert.equal(first.json().outcome, 'rolled', first.stderr);
  assert.equal(await assertOneIsLeft(world, name), '2');
});

/** The lock of a service, held by a process of another machine. Resolves with a way to beat. */
async function foreignLock(world: World, service: string): Promise<() => Promise<unknown>> {
  const state = {
    version: '1',
    role: 'lock',
    service,
    slot: service,
    holder: 'elsewhere 0000-boot pid:[1] 4711 12345',
  };
  const labels = Object.entries(state).map(([key, value]) => [`swapctl.state.${key}`, value]);
  const lock = await world.docker.createContainer({
    name: `${service}.swapctl-lock`,
    Image: await baseImage(world.docker),
    Labels: { ...world.labels, ...Object.fromEntries(labels) },
  });
  let beats = 0;
  return () => lock.update({ RestartPolicy: { Name: 'on-failure', MaximumRetryCount: ++beats } });
}

test('the lock of another machine holds as long as it beats', async (t) => {
  const world = testWorld(t);
  if (await isPodman(world.docker))
    return t.skip("Podman's Docker API changes nothing about a container, so no lock beats");
  // One after the other: both make the same images, and the tag of one is nowhere for a moment on the containerd store.
  const alive = await outdated(world, 'alive');
  const dead = await outdated(world, 'dead');
  const beat = await foreignLock(world, alive);
  await foreignLock(world, dead);
  const beating = setInterval(() => void beat(), 1000);
  world.after(async () => clearInterval(beating));
  const app = await appOf(world);
  const reports = await Promise.all([alive, dead].map((name) => app.roll([name], quickly())));
  assert.deepEqual(
    reports.flat().map(({ outcome, error }) => error?.code ?? outcome),
    ['busy', 'rolled'],
  );
  assert.equal(await assertOneIsLeft(world, dead), '2');
});

test('recover of one service leaves the half-done rolls of the others alone', async (t) => {
  const world = testWorld(t);
  const app = await appOf(world);
  const at: Moment = { when: 'after', kind: 'create', nth: 1 };
  const rolls = await Promise.all([1, 2].map(() => killed(world, { way: 'start-first', at })));
  const [first, second] = rolls.map(({ subject }) => subject);
  assert.ok(first && second);
  const signal = new AbortController().signal;
  await assert.rejects(app.recover([first.service, `${first.service}-not`], signal), { code: 'not-found' });
  const items = await app.recover([first.service], signal);
  assert.deepEqual([...new Set(items.map(({ service }) => service))], [first.service]);
  assert.equal(await assertSafe(first, true), '1');
  const names = await containerNames(world);
  assert.ok(names.includes(`${second.name}.swapctl-next`), names.join());
  assert.ok((await app.recover([second.service], signal)).length > 0);
  assert.equal(await assertSafe(second, true), '1');
});

test('recover finds nothing left to do where somebody else was faster', async (t) => {
  const world = testWorld(t);
  const { app: other, ports, close } = await openApp(world);
  world.after(async () => close());
  const moments: Moment[] = [
    { when: 'after', kind: 'create', nth: 1 },
    { when: 'after', kind: 'rename', nth: 2 },
  ];
  const rolls = await Promise.all(moments.map((at) => killed(world, { way: 'rollback', at })));
  const services = rolls.map(({ subject }) => subject.service);
  let isFirst = true;
  const list = async () => {
    const all = await ports.engine.list();
    if (isFirst) {
      isFirst = false;
      await other.recover(services, new AbortController().signal);
    }
    return all;
  };
  const app = createApp({ ...ports, engine: { ...ports.engine, list } });
  assert.deepEqual(await app.recover(services, new AbortController().signal), []);
  assert.deepEqual(await Promise.all(rolls.map(({ subject }) => assertSafe(subject, true))), ['2', '1']);
});
