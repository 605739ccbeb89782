// The disk of the engine's machine is full: whatever had no room, the old container is untouched, the error says so, and nothing is left
// half done. On an engine of its own, with a small disk.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { swapctl } from '../../lab/cli.ts';
import { type EngineKind, type OtherEngine, startEngine } from '../../lab/engines.ts';
import { startRegistry } from '../../lab/registry.ts';
import { testWorld, type World } from '../../lab/world.ts';

const KIND = (process.env.SWAPCTL_TEST_AWAY ?? 'trixie') as EngineKind;
const skip = process.getuid?.() !== 0 && 'starting an engine takes root';
const MB = 1024 * 1024;

test('a full disk', { skip }, async (t) => {
  const engine = await startEngine(KIND, { spare: 'small', disk: '150m' });
  const world = testWorld({ after: () => {} }, engine);
  t.after(async () => {
    await world.cleanUp();
    await engine.stop();
  });
  const big = await inRegistry(world);
  await t.test('while an image is pulled', (t) => pulling(t, engine, world, big));
  await t.test('when there is no room to begin', (t) => beginning(t, engine, world));
  await t.test('when an image fails', (t) => remembering(t, engine, world));
  await t.test('when a container is to be stopped first', (t) => stoppingFirst(t, engine, world));
});

async function pulling(t: TestContext, engine: OtherEngine, world: World, big: string): Promise<void> {
  const before = await running(world, 'pulled');
  const room = fill(engine, 4 * MB);
  t.after(room);
  await refused(world, 'pulled', ['--image', big, '--pull', 'always'], /could not be pulled: the disk of \S+ is full/);
  await untouched(world, 'pulled', before);
  const images = (await world.docker.listImages()).flatMap(({ RepoTags, RepoDigests }) => [RepoTags, RepoDigests]);
  assert.ok(!images.flat().some((name) => name?.startsWith(big)), JSON.stringify(images));
  room();
  const again = await swapctl(['roll', world.name('pulled'), '--image', big, '--pull', 'always', '--json'], world);
  assert.equal(again.json().outcome, 'rolled', again.stdout + again.stderr);
}

async function beginning(t: TestContext, engine: OtherEngine, world: World): Promise<void> {
  const before = await running(world, 'begun');
  const to = await world.image('begun:2', { from: 'base', env: { VERSION: '2' } });
  const room = fill(engine, 0);
  t.after(room);
  await refused(world, 'begun', ['--image', to, '--pull', 'never'], /the disk of \S+ is full/);
  await untouched(world, 'begun', before);
  room();
  const again = await swapctl(['roll', world.name('begun'), '--image', to, '--pull', 'never', '--json'], world);
  assert.equal(again.json().outcome, 'rolled', again.stdout + again.stderr);
}

// A failed image is recorded in an empty volume, for which this disk (a tmpfs) has room; test/app/recovery/failures.test.ts has the other
// case.
async function remembering(t: TestContext, engine: OtherEngine, world: World): Promise<void> {
  const before = await running(world, 'forgot');
  // Late enough for the disk to be full by then.
  const health = { test: ['CMD', 'false'], intervalMs: 10_000, retries: 1 };
  const to = await world.image('forgot:2', { from: 'base', health });
  let room = () => {};
  t.after(() => room());
  const args = ['roll', world.name('forgot'), '--image', to, '--pull', 'never', '--settle', '500ms', '--json'];
  const onStderr = (text: string): void => {
    if (text.includes('wait until')) room = fill(engine, 0);
  };
  const failed = await swapctl(args, { ...world, onStderr });
  assert.equal(failed.json().error.code, 'not-healthy', failed.stdout);
  await untouched(world, 'forgot', before);
  const again = await swapctl(args, world);
  assert.equal(again.json().error.code, 'known-bad', again.stdout);
}

async function stoppingFirst(t: TestContext, engine: OtherEngine, world: World): Promise<void> {
  const volume = await world.volume('data');
  const create = { HostConfig: { Binds: [`${volume}:/data`] } };
  await running(world, 'first', create);
  const to = await world.image('first:2', { from: 'base', env: { VERSION: '2' } });
  let room = () => {};
  t.after(() => room());
  const args = ['roll', world.name('first'), '--image', to, '--pull', 'never', '--settle', '500ms', '--json'];
  const { code, json, stdout, stderr } = await swapctl(args, {
    ...world,
    onStderr: (text) => {
      if (text.includes(': stop ')) room = fill(engine, 0);
    },
  });
  t.diagnostic(`${code} ${stdout}`);
  // An engine may or may not start a container without room; if it can't, a user has to make some.
  assert.ok([0, 1, 3].includes(code), stdout + stderr);
  if (code === 3) assert.match(json().error.message, /no space left/);
  room();
  await swapctl(['recover'], world);
  const { State } = await world.docker.getContainer(world.name('first')).inspect();
  assert.equal(State.Running, true, 'once there is room, recover brings it back');
  assert.deepEqual(await namesOf(world, 'first'), [world.name('first')]);
}

/** Fills the disk to a number of bytes; the result makes room again. */
function fill({ data }: OtherEngine, left: number): () => void {
  const file = path.join(data, 'ballast');
  const { bavail, bsize } = statfsSync(data);
  try {
    writeFileSync(file, Buffer.alloc(Math.max(0, bavail * bsize - left)));
  } catch (error) {
    // Another process wrote at the same time: then it is full all the more.
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
  return () => rmSync(file, { force: true });
}

/** An image in a registry, larger than the rest of the disk. */
async function inRegistry(world: World): Promise<string> {
  const registry = await startRegistry({ address: world.hostAddress });
  world.after(() => registry.stop());
  const base = await world.image('big:base', { from: 'base' });
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swtest-big-'));
  world.after(async () => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(path.join(folder, 'content'), randomBytes(12 * MB));
  execFileSync('tar', ['-C', folder, '-cf', path.join(folder, 'content.tar'), 'content']);
  const container = await world.container('big', { image: base, start: false });
  await container.putArchive(readFileSync(path.join(folder, 'content.tar')), { path: '/' });
  await container.commit({ repo: world.name('big'), tag: 'full' });
  await container.remove();
  const { reference } = await registry.push(world.docker, world.name('big:full'), 'big:full');
  await world.docker.getImage(world.name('big:full')).remove();
  return reference;
}

async function running(world: World, suffix: string, create = {}): Promise<string> {
  const image = await world.image(`${suffix}:1`, { from: 'base' });
  const network = await world.network(suffix);
  const host = { HostConfig: { NetworkMode: network, ...(create as { HostConfig?: object }).HostConfig } };
  const container = await world.container(suffix, { image, network, create: { StopTimeout: 0, ...host } });
  const { Id, State } = await container.inspect();
  return `${Id} ${State.StartedAt}`;
}

async function refused(
  world: World,
  suffix: string,
  options: string[],
  reason: RegExp,
  onStderr: (text: string) => void = () => {},
): Promise<void> {
  const args = ['roll', world.name(suffix), ...options, '--settle', '500ms', '--json'];
  const { code, json, stdout, stderr } = await swapctl(args, { ...world, onStderr });
  assert.equal(code, 1, stdout + stderr);
  const { error } = json();
  assert.equal(error.code, 'disk-full', stdout);
  assert.match(error.message, reason);
  assert.ok(error.message.includes((await world.docker.info()).Name), 'it says which machine');
}

async function untouched(world: World, suffix: string, before: string): Promise<void> {
  const { Id, State } = await world.docker.getContainer(world.name(suffix)).inspect();
  assert.equal(`${Id} ${State.StartedAt}`, before, 'same container, same start time');
  assert.equal(State.Running, true);
  assert.deepEqual(await namesOf(world, suffix), [world.name(suffix)], 'nothing else is left');
}

async function namesOf(world: World, suffix: string): Promise<string[]> {
  const all = await world.docker.listContainers({ all: true });
  const names = all.map((one) => (one.Names[0] ?? '').slice(1));
  return names.filter((name) => name.startsWith(world.name(suffix)));
}
