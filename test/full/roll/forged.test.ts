// Images and containers of others with labels of swapctl and compose: nothing is changed because of them.
import assert from 'node:assert/strict';
import test from 'node:test';
import type Docker from 'dockerode';
import { encodeState } from '../../../src/core/service/labels.ts';
import { swapctl } from '../../lab/cli.ts';
import { eventually } from '../../lab/waiting.ts';
import { testWorld, type World } from '../../lab/world.ts';

const AT_ONCE = { concurrency: 3 };
const QUICK = ['--settle', '200ms', '--drain-timeout', '100ms', '--pull', 'never'];
const SLEEP = ['sh', '-c', 'exec sleep 1000000'];

function sleeping(world: World, name: string, labels: Record<string, string> = {}): Promise<string> {
  const env = { VERSION: name };
  return world.image(name, { from: 'base', cmd: SLEEP, stopSignal: 'SIGKILL', labels, env });
}

function composed(project: string, number: string): Record<string, string> {
  const compose = 'com.docker.compose.';
  return {
    [`${compose}project`]: project,
    [`${compose}service`]: 'web',
    [`${compose}container-number`]: number,
    [`${compose}oneoff`]: 'False',
  };
}

/** Everything about a container that a roll of another must not change. */
async function fingerprint(world: World, name: string): Promise<unknown> {
  const { Id, Name, State, Image, Config, HostConfig } = await world.docker.getContainer(world.name(name)).inspect();
  return { Id, Name, State, Image, labels: Config.Labels, restart: HostConfig.RestartPolicy };
}

async function imageOf(world: World, name: string): Promise<string> {
  return (await world.docker.getContainer(world.name(name)).inspect()).Image;
}

async function idOf(world: World, reference: string): Promise<string> {
  return (await world.docker.getImage(reference).inspect()).Id;
}

test('an image that says it is the first replica of a service gets no part of it', async (t) => {
  const world = testWorld(t);
  const project = world.prefix.replace(/[^a-z0-9]/g, '');
  const before = await sleeping(world, 'app:1');
  const after = await sleeping(world, 'app:2');
  const forged = await sleeping(world, 'evil:1', composed(project, '0'));
  await world.container('web', { image: before, labels: composed(project, '1') });
  await world.container('stranger', { image: forged });
  const stranger = await fingerprint(world, 'stranger');

  const roll = await swapctl(['roll', `${project}/web`, '--image', after, '--json', ...QUICK], { env: world.env });
  assert.equal(roll.code, 0, roll.stderr);
  assert.equal(await imageOf(world, 'web'), await idOf(world, after));
  assert.deepEqual(await fingerprint(world, 'stranger'), stranger);
});

test('a service whose replicas follow different repositories is refused before anything is fetched', async (t) => {
  const world = testWorld(t);
  const project = world.prefix.replace(/[^a-z0-9]/g, '');
  await world.container('web', { image: await sleeping(world, 'app:1'), labels: composed(project, '1') });
  await world.container('other', { image: await sleeping(world, 'evil:1'), labels: composed(project, '0') });
  const [web, other] = await Promise.all([fingerprint(world, 'web'), fingerprint(world, 'other')]);

  const roll = await swapctl(['roll', `${project}/web`, '--force', ...QUICK], { env: world.env });
  assert.equal(roll.code, 2, roll.stderr);
  assert.match(roll.stdout + roll.stderr, /follow different repositories/);
  assert.deepEqual(await Promise.all([fingerprint(world, 'web'), fingerprint(world, 'other')]), [web, other]);
});

test('an image that says it is a task of a Swarm is rolled like any other', async (t) => {
  const world = testWorld(t);
  const before = await sleeping(world, 'app:1', { 'com.docker.swarm.task.id': 'abc' });
  await world.container('web', { image: before });
  const after = await sleeping(world, 'app:2');
  const roll = await swapctl(['roll', world.name('web'), '--image', after, ...QUICK], { env: world.env });
  assert.equal(roll.code, 0, roll.stderr);
});

test('an image that says its containers copy volumes is replaced as any other, and no volume goes', async (t) => {
  const world = testWorld(t);
  const volume = await world.volume('unused');
  const [name, old] = [world.name('web'), `${world.name('web')}.swapctl-old`];
  const copies = [{ volume, copy: volume, bytes: 0, files: 0 }];
  const labels = encodeState({ role: 'copying', service: name, slot: name, roll: 'r', copies });
  await world.container('web', {
    image: await sleeping(world, 'app:1', labels),
    create: bound(await world.volume('data')),
  });
  const after = await sleeping(world, 'app:2');
  const options = { env: world.env };
  const roll = await swapctl(['roll', name, '--image', after, '--strategy', 'stop-first', ...QUICK], options);
  assert.equal(roll.code, 0, roll.stderr);
  assert.equal(await imageOf(world, 'web'), await idOf(world, after));
  assert.ok(await world.docker.getVolume(volume).inspect());
  await assert.rejects(world.docker.getContainer(old).inspect(), { statusCode: 404 });
});

function bound(volume: string) {
  return { HostConfig: { Binds: [`${volume}:/data`] } };
}

test(
  'what only has the name of a candidate, a lock or a reader ends the roll, and nothing is touched',
  AT_ONCE,
  async (t) => {
    for (const ending of ['next', 'lock', 'reading', 'copying', 'stand-in'])
      await t.test(ending, async (t) => {
        const world = testWorld(t);
        const before = await sleeping(world, 'app:1');
        const after = await sleeping(world, 'app:2');
        await world.container('web', { image: before });
        await world.container(`web.swapctl-${ending}`, { image: before });
        const look = () => Promise.all(['web', `web.swapctl-${ending}`].map((name) => fingerprint(world, name)));
        const as = await look();
        const options = { env: world.env };
        for (const args of [
          ['roll', world.name('web'), '--image', after, ...QUICK],
          ['recover', world.name('web')],
        ]) {
          const { code, stdout, stderr } = await swapctl(args, options);
          assert.match(stdout + stderr, /was not made by swapctl/, args[0]);
          if (args[0] === 'roll') assert.equal(code, 3, stderr);
        }
        assert.deepEqual(await look(), as);
      });
  },
);

// test/memory/forged-backup.test.ts has other forgeries.
test('a forged backup has no volume emptied or refilled that another container uses', async (t) => {
  const world = testWorld(t);
  const { victims, copy, files } = await interrupted(world);
  const before = await files();
  const { code, stdout, stderr } = await swapctl(['recover', world.name('web'), '--json'], { env: world.env });
  assert.equal(code, 3, stdout + stderr);
  assert.match(stdout, /is writing to the volume/);
  assert.deepEqual(await files(), before);
  assert.match(before, /precious/);
  assert.equal((await world.docker.getContainer(world.name('victim')).inspect()).State.Running, true);
  for (const volume of [victims, copy]) assert.ok(await world.docker.getVolume(volume).inspect());
});

/** A roll that died after it had stopped and renamed web, a running container of another user, and a forged backup. */
async function interrupted(world: World) {
  const { docker } = world;
  const name = world.name('web');
  const image = await sleeping(world, 'app:1');
  const victims = await world.volume('victims');
  const note = { service: name, slot: name, roll: 'r' };
  const copy = world.name('copy');
  const Labels = { ...world.labels, ...encodeState({ ...note, role: 'backup' }) };
  await docker.createVolume({ Name: copy, Labels });
  const victim = await world.container('victim', { image, create: bound(victims), cmd: ['sh', '-c', FILL] });
  await eventually('the other container has written', async () => /precious/.test(await filesIn(victim)));
  const web = await world.container('web.swapctl-old', { image, create: bound(victims) });
  await web.kill();
  await web.wait();
  const lock = encodeState({ role: 'lock', ...note, slot: name, holder: 'a dead process', incumbents: [web.id] });
  await world.container('web.swapctl-lock', { image, labels: lock, start: false });
  const { Id } = await docker.getImage(image).inspect();
  const copies = [{ volume: victims, copy, bytes: 0, files: 0 }];
  const labels = encodeState({ ...note, role: 'backup', image: Id, copies });
  await world.container('web.swapctl-backup-r', { image, labels, start: false });
  return { victims, copy, files: () => filesIn(victim) };
}

const FILL = 'echo precious > /data/file; exec sleep 1000000';

async function filesIn(container: Docker.Container): Promise<string> {
  const archive = await container.getArchive({ path: '/data' });
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
