// The rest of test/engine/roll/one-at-a-time.test.ts: a lock of another machine, and recoveries of some services.
import assert from 'node:assert/strict';
import test from 'node:test';
import { createApp } from '../../../src/app/app.ts';
import { killed } from '../../chaos/kills.ts';
import type { Moment } from '../../chaos/moments.ts';
import { assertSafe } from '../../chaos/subject.ts';
import { containerNames, openApp, quickly } from '../../engine/compose-app.ts';
import { appOf, assertOneIsLeft, outdated } from '../../engine/roll/outdated.ts';
import { isPodman } from '../../lab/engine.ts';
import { baseImage } from '../../lab/images.ts';
import { testWorld, type World } from '../../lab/world.ts';

/** The lock of a service, held by a process of another machine. Resolves with a function that sends a heartbeat. */
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
  let heartbeats = 0;
  return () => lock.update({ RestartPolicy: { Name: 'on-failure', MaximumRetryCount: ++heartbeats } });
}

test('the lock of another machine holds as long as it beats', async (t) => {
  const world = testWorld(t);
  if (await isPodman(world.docker))
    return t.skip("Podman's Docker API changes nothing about a container, so no lock beats");
  // One after the other: both make the same images, and on the containerd store the tag of one is absent for a moment.
  const alive = await outdated(world, 'alive');
  const dead = await outdated(world, 'dead');
  const heartbeat = await foreignLock(world, alive);
  await foreignLock(world, dead);
  const keepHeartbeat = setInterval(() => void heartbeat(), 1000);
  world.after(async () => clearInterval(keepHeartbeat));
  const app = await appOf(world);
  const reports = await Promise.all([alive, dead].map((name) => app.roll([name], quickly())));
  assert.deepEqual(
    reports.flat().map(({ outcome, error }) => error?.code ?? outcome),
    ['busy', 'rolled'],
  );
  assert.equal(await assertOneIsLeft(world, dead), '2');
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
  const items = await app.recover(services, new AbortController().signal);
  // It also removes rules without a target, of any roll.
  assert.deepEqual(
    items.filter(({ slot }) => slot !== '-'),
    [],
  );
  assert.deepEqual(await Promise.all(rolls.map(({ subject }) => assertSafe(subject, true))), ['2', '1']);
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
  // It also removes rules without a target, of any roll.
  const services = items.filter(({ slot }) => slot !== '-').map(({ service }) => service);
  assert.deepEqual([...new Set(services)], [first.service]);
  assert.equal(await assertSafe(first, true), '1');
  const names = await containerNames(world);
  assert.ok(names.includes(`${second.name}.swapctl-next`), names.join());
  assert.ok((await app.recover([second.service], signal)).length > 0);
  assert.equal(await assertSafe(second, true), '1');
});
