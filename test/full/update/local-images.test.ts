// Local builds, loads and tags on the engine while `swapctl watch` runs. No registry takes part.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import test from 'node:test';
import { startWatch, type WatchProcess } from '../../engine/update/watching.ts';
import { swapctl } from '../../lab/cli.ts';
import { endOf } from '../../lab/engine.ts';
import { baseImage } from '../../lab/images.ts';
import { eventually } from '../../lab/waiting.ts';
import { testWorld, type World } from '../../lab/world.ts';

const QUICK = { 'swapctl.settle': '0s', 'swapctl.drain.timeout': '1s', 'swapctl.backoff': 'off' };
// A schedule that never comes due while a test runs: only events can be the reason.
const NEVER = { 'swapctl.schedule': '0 0 29 2 *' };

/** Builds as `docker build -t` does; resolves with the image's id. */
async function build(world: World, tag: string, version: number, more: { cmd?: string; buildKit?: boolean } = {}) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-build-'));
  try {
    const base = await baseImage(world.docker);
    const labels = Object.entries(world.labels).map(([key, value]) => `${key}=${value}`);
    const { cmd = `["sh", "-c", "trap 'exit 0' TERM; sleep 1000000 & wait"]` } = more;
    const lines = [`FROM ${base}`, `LABEL ${labels.join(' ')}`, `ENV VERSION=${version}`, `CMD ${cmd}`];
    writeFileSync(path.join(folder, 'Dockerfile'), `${lines.join('\n')}\n`);
    const how = more.buildKit ? ({ version: '2' } as const) : {};
    await endOf(await world.docker.buildImage({ context: folder, src: ['Dockerfile'] }, { t: tag, ...how }));
    return (await world.docker.getImage(tag).inspect()).Id;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function load({ docker }: World, archive: Buffer): Promise<void> {
  // dockerode takes a stream, and gives one back, whatever its types say.
  const answer: unknown = await docker.loadImage(Readable.from([archive]));
  await endOf(answer as NodeJS.ReadableStream);
}

async function versionOf({ docker }: World, name: string): Promise<string | undefined> {
  const { State, Config } = await docker.getContainer(name).inspect();
  assert.ok(State.Running, `${name} runs`);
  return Config.Env.find((pair) => pair.startsWith('VERSION='))?.slice('VERSION='.length);
}

/** Acts, and waits until the watch has rolled the service because of it. */
async function rolledBy(t: test.TestContext, watch: WatchProcess, name: string, what: string, work: () => unknown) {
  const updated = new RegExp(`^${name}: updated`);
  const before = watch.soFar(updated).length;
  await work();
  const since = performance.now();
  await eventually(`${what} is rolled`, async () => watch.soFar(updated).length > before);
  t.diagnostic(`${what}: rolled ${Math.round(performance.now() - since)} ms after its end`);
}

test('what is built, loaded or tagged under a followed tag is rolled, and a bad one once', async (t) => {
  const world = testWorld(t);
  const tag = world.name('app:latest');
  await build(world, tag, 3);
  const archive = await buffer(await world.docker.getImage(tag).get());
  await build(world, tag, 1);
  await world.docker.getImage(tag).tag({ repo: world.name('app'), tag: 'first' });
  await world.container('web', { image: tag, labels: { ...QUICK, ...NEVER } });
  const web = world.name('web');
  const watch = startWatch(world, ['--verbose', web]);
  await watch.said(/^watching 1 service/);
  const name = (image: string) => world.docker.getImage(image).tag({ repo: world.name('app'), tag: 'latest' });
  const rolled = (what: string, work: () => unknown) => rolledBy(t, watch, web, what, work);

  await rolled('docker build', () => build(world, tag, 2));
  assert.equal(await versionOf(world, web), '2');
  await rolled('docker load', () => load(world, archive));
  assert.equal(await versionOf(world, web), '3');
  await rolled('docker tag', () => name(world.name('app:first')));
  assert.equal(await versionOf(world, web), '1');
  await rolled('BuildKit', () => build(world, tag, 4, { buildKit: true }));
  assert.equal(await versionOf(world, web), '4');

  const bad = await build(world, tag, 5, { cmd: '["false"]' });
  await watch.said(new RegExp(`^${web}: failed`));
  assert.equal(await versionOf(world, web), '4');
  await name(bad);
  await watch.said(new RegExp(`^${web}: held .*not kept`));
  const { code, stdout } = await swapctl(['check', web, '--json'], { env: world.env });
  assert.equal(code, 0, stdout);
  await rolled('the next build', () => build(world, tag, 6));
  assert.equal(await versionOf(world, web), '6');
  assert.equal(watch.soFar(new RegExp(`^${web}: failed`)).length, 1);
});
