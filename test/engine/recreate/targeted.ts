// Facts that an inspect before and after does not show: data, order, other containers, and later effects of an image.
import assert from 'node:assert/strict';
import os from 'node:os';
import { test } from 'node:test';
import { askedTarget } from '../../../src/core/update/roll-target.ts';
import type { TestApp } from '../../lab/app.ts';
import { removeWithVolumes, type World } from '../../lab/world.ts';
import { create, inspect } from './faithful.ts';
import type { Parts } from './fields.ts';
import { inside, type Stage, write } from './place.ts';

export interface Scene {
  world: World;
  stage: Stage;
  app: TestApp;
}

type ByName = Record<string, { Aliases: string[] | null; MacAddress: string; IPAddress: string }>;

/** Defines the tests; the scene is set when they run. */
export function targetedTests(scene: () => Scene): void {
  test('data in anonymous volumes is there after two rolls, and after the old image has gone', async (t) => {
    const { world, stage, app } = scene();
    const parts: Parts = { config: { Volumes: { '/anonymous': {} } }, host: { Binds: ['/alone'], AutoRemove: true } };
    await started(scene(), t, 'data', stage.images[0], parts);
    const files = ['/data/file', '/anonymous/file', '/alone/file'];
    for (const file of files) await write(world, 'data', file);
    const own = await copyOfImage(world, stage.images[1], 'data-2');
    await app.roll(world.name('data'), { target: askedTarget({ image: own }) });
    await app.roll(world.name('data'), {
      target: askedTarget({ image: stage.images[2] }),
      overrides: { settle: '0s', keep: '0' },
    });
    await world.docker.getImage(own).remove();
    for (const file of files) assert.equal(await inside(world, 'data', `cat ${file}`), file);
  });

  test('rolls leave no volumes behind, failed ones neither', async (t) => {
    const { world, stage, app } = scene();
    const bad = await world.image('bad:1', { from: 'base', entrypoint: ['false'], volumes: ['/data', '/bad'] });
    await started(scene(), t, 'tidy', stage.images[0], {});
    const made = await volumesMadeBy(scene(), async () => {
      await assert.rejects(app.roll(world.name('tidy'), { target: askedTarget({ image: bad }) }), /not-healthy|exited/);
      await app.roll(world.name('tidy'), { target: askedTarget({ image: stage.images[1] }) });
    });
    const unused = await world.docker.listVolumes({ filters: { dangling: ['true'] } });
    assert.ok(made.length > 0);
    assert.deepEqual(
      unused.Volumes.map((volume) => volume.Name).filter((name) => made.includes(name)),
      [],
    );
  });

  test("what the user set stays the user's, even where an image says the same for a while", async (t) => {
    const { world, stage, app } = scene();
    const env = ['CHANGED=in 2', 'VERSION=of the user'];
    await started(scene(), t, 'same', stage.images[0], { config: { Env: env, StopSignal: 'SIGINT', User: 'nobody' } });
    for (const image of stage.images.slice(1)) await app.roll(world.name('same'), { target: askedTarget({ image }) });
    const { Config } = await inspect(world, world.name('same'));
    const now = Object.fromEntries((Config.Env as string[]).map((pair) => pair.split('=') as [string, string]));
    assert.equal(now.CHANGED, 'in 2');
    assert.equal(now.VERSION, 'of the user');
    assert.equal(now.PATH, '/v3:/usr/bin:/bin');
    assert.equal(now.ONLY_3, '1');
    assert.deepEqual([now.ONLY_1, now.ONLY_2], [undefined, undefined]);
    assert.equal((Config.Healthcheck as { Test: string[] }).Test.at(-1), '3', 'the check of the third image');
    // Podman shows a signal by its number.
    const signal = stage.podman ? String(os.constants.signals.SIGINT) : 'SIGINT';
    assert.deepEqual([Config.StopSignal, Config.User], [signal, 'nobody']);
  });

  test('what an image brings is not pinned to the network or the name', async (t) => {
    const { world, stage, app } = scene();
    const [one, two] = stage.networks;
    const parts = { host: { NetworkMode: one }, networks: { [one]: { Aliases: ['web'] }, [two]: {} } };
    await started(scene(), t, 'free', stage.plain[0], parts);
    const own = world.name('free');
    for (const image of [stage.plain[1], stage.plain[0], stage.plain[1]]) {
      const old = await inspect(world, own);
      const report = await app.roll(own, { target: askedTarget({ image }) });
      assert.equal(report.strategy, 'start-first', report.because);
      const now = await inspect(world, own);
      const networks = now.NetworkSettings.Networks as ByName;
      const ids = [now.Id.slice(0, 12)];
      assert.deepEqual(sorted(networks[one]?.Aliases, ids), [own, 'web'].sort());
      assert.deepEqual(sorted(networks[two]?.Aliases, ids), [own]);
      assert.notEqual(networks[two]?.MacAddress, (old.NetworkSettings.Networks as ByName)[two]?.MacAddress);
      assert.equal(now.Config.Hostname, ids[0]);
    }
  });

  test('a network that was named by its id, or left since', async (t) => {
    const { world, stage, app } = scene();
    const [one, two, three] = stage.networks;
    const { Id } = await world.docker.getNetwork(one).inspect();
    await started(scene(), t, 'as-id', stage.plain[0], {
      host: { NetworkMode: Id },
      networks: { [Id]: { Aliases: ['web'] } },
    });
    await world.docker.getNetwork(two).connect({ Container: world.name('as-id') });
    await app.roll(world.name('as-id'), { target: askedTarget({ image: stage.plain[1] }) });
    assert.deepEqual(await networksOf(world, 'as-id'), [one, two].sort());
    const { Networks } = (await inspect(world, world.name('as-id'))).NetworkSettings as { Networks: ByName };
    assert.ok(Networks[one]?.Aliases?.includes('web'), JSON.stringify(Networks[one]));

    await started(scene(), t, 'moved', stage.plain[0], { host: { NetworkMode: one } });
    await world.docker.getNetwork(one).disconnect({ Container: world.name('moved') });
    await world.docker.getNetwork(two).connect({ Container: world.name('moved') });
    await world.docker.getNetwork(three).connect({ Container: world.name('moved') });
    await app.roll(world.name('moved'), { target: askedTarget({ image: stage.plain[1] }) });
    assert.deepEqual(await networksOf(world, 'moved'), [two, three].sort());
  });

  test('a MAC address on the default bridge', async (t) => {
    const { world, stage, app } = scene();
    if (stage.podman) return t.skip('Podman does not tell a MAC address that was asked for from one that it made up');
    const MacAddress = '0a:5b:00:00:00:07';
    const atOnce = Number(stage.apiVersion.split('.')[1]) >= 44;
    const parts = atOnce ? { networks: { bridge: { MacAddress } } } : { config: { MacAddress } };
    await started(scene(), t, 'mac', stage.plain[0], parts);
    await app.roll(world.name('mac'), { target: askedTarget({ image: stage.plain[1] }) });
    const { NetworkSettings } = await inspect(world, world.name('mac'));
    assert.equal((NetworkSettings.Networks as ByName).bridge?.MacAddress, MacAddress);
  });

  test('containers in its namespaces are re-created after it, with the image that they have', async (t) => {
    const { world, stage, app } = scene();
    const goes = lastFirst(t);
    const side = await copyOfImage(world, stage.plain[0], 'side:latest');
    const parent = await started(scene(), goes, 'parent', stage.plain[0], {});
    const wait = { Labels: { 'swapctl.settle': '0s' } };
    await started(scene(), goes, 'by-id', side, { config: wait, host: { NetworkMode: `container:${parent.id}` } });
    await started(scene(), goes, 'by-name', side, {
      config: wait,
      host: { NetworkMode: `container:${world.name('parent')}` },
    });
    await started(scene(), goes, 'by-pid', side, {
      config: wait,
      host: { PidMode: `container:${world.name('parent')}` },
    });
    // Built anew since, and not rolled yet.
    await copyOfImage(world, stage.plain[1], 'side:latest');
    const before = await Promise.all(['by-id', 'by-name', 'by-pid'].map((name) => inspect(world, world.name(name))));
    await app.roll(world.name('parent'), { target: askedTarget({ image: stage.plain[1] }) });
    const { Id } = await inspect(world, world.name('parent'));
    for (const old of before) {
      const now = await inspect(world, old.Name.slice(1));
      assert.notEqual(now.Id, old.Id, `${old.Name} was re-created`);
      assert.equal(now.Image, old.Image);
      assert.equal((now.State as { Running: boolean }).Running, true);
      const mode = now.Name.endsWith('by-pid') ? now.HostConfig.PidMode : now.HostConfig.NetworkMode;
      assert.ok([`container:${Id}`, `container:${world.name('parent')}`].includes(String(mode)), String(mode));
      const listed = await inside(world, now.Name.slice(world.prefix.length + 2), 'readlink /proc/self/ns/net');
      if (!now.Name.endsWith('by-pid'))
        assert.equal(listed, await inside(world, 'parent', 'readlink /proc/self/ns/net'));
    }
    const [image, newer] = await Promise.all(
      [side, stage.plain[1]].map((name) => world.docker.getImage(name).inspect()),
    );
    assert.equal(image?.Id, newer?.Id, 'the tag of theirs stays where its owner has put it');
    await app.roll(world.name('by-id'));
    assert.equal((await inspect(world, world.name('by-id'))).Image, newer?.Id, 'and it still follows it');
  });

  test('containers that are linked to it on the default bridge find the new one', async (t) => {
    const { world, stage, app } = scene();
    if (stage.podman) return t.skip('Podman knows no links');
    await started(scene(), t, 'db', stage.plain[0], {});
    const labels = { Labels: { 'swapctl.settle': '0s' } };
    await started(scene(), t, 'linked', stage.plain[0], {
      config: labels,
      host: { Links: [`${world.name('db')}:store`] },
    });
    await app.roll(world.name('db'), { target: askedTarget({ image: stage.plain[1] }) });
    const address = ((await inspect(world, world.name('db'))).NetworkSettings.Networks as ByName).bridge?.IPAddress;
    const hosts = await inside(world, 'linked', 'cat /etc/hosts');
    assert.match(hosts, new RegExp(`^${address}\\s.*\\bstore\\b`, 'm'));
  });
}

interface Scope {
  after(work: () => Promise<unknown>): void;
}

/** The last one made is removed first: Podman removes no container with others in its namespaces. */
function lastFirst(t: Scope): Scope {
  const works: (() => Promise<unknown>)[] = [];
  t.after(async () => {
    for (const work of works.reverse()) await work();
  });
  return { after: (work) => void works.push(work) };
}

/** Creates and starts a container that is removed after the test. */
export async function started({ world }: Scene, t: Scope, name: string, image: string, parts: Parts) {
  const container = await create(world, name, image, parts);
  // By name: it is another container by then.
  t.after(() => removeWithVolumes(world.docker, world.name(name)));
  await container.start();
  return container;
}

/** The names of the anonymous volumes that were created meanwhile, even if they are gone again. */
async function volumesMadeBy({ world, stage }: Scene, work: () => Promise<void>): Promise<string[]> {
  if (stage.podman) return volumesThereAfter(world, work);
  const since = Math.floor(Date.now() / 1000);
  await work();
  const events = await world.docker.getEvents({
    since,
    until: Math.ceil(Date.now() / 1000),
    filters: { type: ['volume'], event: ['create'] },
  });
  let text = '';
  for await (const chunk of events) text += chunk;
  return [...text.matchAll(/"ID":"([0-9a-f]{64})"/g)].map(([, id = '']) => id);
}

// Podman has no events of anonymous volumes. No other process works on such an engine.
async function volumesThereAfter(world: World, work: () => Promise<void>): Promise<string[]> {
  const names = async () => (await world.docker.listVolumes()).Volumes.map(({ Name }) => Name);
  const before = await names();
  await work();
  return (await names()).filter((name) => !before.includes(name));
}

async function networksOf(world: World, name: string): Promise<string[]> {
  return Object.keys((await inspect(world, world.name(name))).NetworkSettings.Networks).sort();
}

/** Another name for an image; returns it. */
async function copyOfImage(world: World, image: string, name: string): Promise<string> {
  const [repo = '', tag = 'latest'] = world.name(name).split(':');
  await world.docker.getImage(image).tag({ repo, tag });
  return `${repo}:${tag}`;
}

// Up to API 1.44 the engine adds the short id.
function sorted(names: readonly string[] | null | undefined, without: readonly string[]): string[] {
  return [...new Set(names ?? [])].filter((name) => !without.includes(name)).sort();
}
