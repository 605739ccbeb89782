// The needs of a container's start from the host, and those that vanish while it runs.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import type Docker from 'dockerode';
import { swapctl } from '../../lab/cli.ts';
import { freePort } from '../../lab/port.ts';
import { testWorld, untilHealthy, type World } from '../../lab/world.ts';
import { identity, ownNames, QUICK } from '../roll/roll-world.ts';

interface Need {
  /** Makes the object below a folder of the test's own; resolves with its part of the create call. */
  make(folder: string, world: World): Promise<Docker.HostConfig>;
  /** The path below the folder that vanishes. */
  readonly path: string;
  /** The text that the report has to contain. */
  readonly named: RegExp;
}

const NEEDS = {
  'the file of a bind mount': {
    path: 'app.conf',
    named: /app\.conf/,
    make: async (folder) => {
      writeFileSync(path.join(folder, 'app.conf'), 'on');
      return { Binds: [`${folder}/app.conf:/etc/app.conf:ro`] };
    },
  },
  'the folder of a bind mount': {
    path: 'data',
    named: /data/,
    make: async (folder) => {
      mkdirSync(path.join(folder, 'data'));
      return { Binds: [`${folder}/data:/srv/data`] };
    },
  },
  'the folder of a mount': {
    path: 'data',
    named: /data/,
    make: async (folder) => {
      mkdirSync(path.join(folder, 'data'));
      return { Mounts: [{ Type: 'bind', Source: `${folder}/data`, Target: '/srv/data' }] };
    },
  },
  'what a volume is mounted from': {
    path: 'exported',
    named: /exported/,
    make: async (folder, { docker, labels, name }) => {
      mkdirSync(path.join(folder, 'exported'));
      const options = { type: 'none', o: 'bind', device: `${folder}/exported` };
      await docker.createVolume({ Name: name('exported'), Labels: labels, DriverOpts: options });
      return { Binds: [`${name('exported')}:/srv/data`] };
    },
  },
  'a device': {
    path: 'modem',
    named: /modem/,
    make: async (folder) => {
      execFileSync('mknod', [path.join(folder, 'modem'), 'c', '1', '3']);
      return { Devices: [{ PathOnHost: `${folder}/modem`, PathInContainer: '/dev/modem', CgroupPermissions: 'rw' }] };
    },
  },
} satisfies Record<string, Need>;

type NeedName = keyof typeof NEEDS;
type Tried = 'start-first' | 'stop-first' | 'handover';

/** Rolls of a container that could not start again; `ways`: the strategies of each kind of need. */
export function vanishedNeedsAreSeen(ways: Partial<Record<NeedName, readonly Tried[]>>): void {
  for (const [what, strategies] of Object.entries(ways))
    for (const strategy of strategies)
      test(`${what} is gone: ${strategy} touches nothing, and says so`, (t) =>
        vanishedNeedIsSeen(t, NEEDS[what as NeedName], strategy));
}

async function vanishedNeedIsSeen(t: TestContext, need: Need, strategy: Tried): Promise<void> {
  const world = testWorld(t);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-host-'));
  world.after(async () => rmSync(folder, { recursive: true }));
  const HostConfig = await need.make(folder, world);
  const [before, after] = [
    await world.image('app:1', { from: 'httpd' }),
    await world.image('app:2', { from: 'httpd' }),
  ];
  const ports = strategy === 'handover' ? [{ host: await freePort() }] : [];
  const labels = { 'swapctl.volumes': 'shared' };
  const create = { HostConfig: { ...HostConfig, NetworkMode: await world.network('net') } };
  await untilHealthy(await world.container('web', { image: before, ports, labels, create }));
  const old = await identity(world, 'web');
  rmSync(path.join(folder, need.path), { recursive: true });

  const args = ['roll', world.name('web'), '--image', after, '--strategy', strategy, '--json', ...QUICK];
  const { code, stdout, stderr, json } = await swapctl(args, { env: world.env });
  assert.equal(code, 1, stdout + stderr);
  const { outcome, error } = json();
  assert.deepEqual([outcome, error.code], ['failed', 'cannot-start-again'], stdout);
  assert.match(error.message, need.named);
  assert.match(error.message, /could not start again/);
  assert.deepEqual(await identity(world, 'web'), old, 'it is the same container');
  assert.equal((await world.docker.getContainer(world.name('web')).inspect()).State.Running, true);
  assert.equal(existsSync(path.join(folder, need.path)), false, 'nothing was created on the host');
  assert.deepEqual(await ownNames(world), [world.name('web')], 'nothing is left, and nothing blames the image');
}

/** The same container once everything is there. */
export function needsAreNoHindrance(): void {
  test('a container with all of that is rolled', async (t) => {
    const world = testWorld(t);
    const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-host-'));
    world.after(async () => rmSync(folder, { recursive: true }));
    const needs = [NEEDS['the file of a bind mount'], NEEDS['what a volume is mounted from'], NEEDS['a device']];
    const made: Docker.HostConfig[] = await Promise.all(needs.map((need) => need.make(folder, world)));
    const HostConfig = {
      Binds: made.flatMap(({ Binds }) => Binds ?? []),
      Devices: made.flatMap(({ Devices }) => Devices ?? []),
    };
    const [before, after] = [
      await world.image('app:1', { from: 'httpd' }),
      await world.image('app:2', { from: 'httpd' }),
    ];
    await untilHealthy(await world.container('web', { image: before, create: { HostConfig } }));
    const rolled = await swapctl(['roll', world.name('web'), '--image', after, '--json', ...QUICK], { env: world.env });
    assert.equal(rolled.code, 0, rolled.stdout + rolled.stderr);
    assert.deepEqual(await ownNames(world), [world.name('web')]);
  });
}
