// The main job as a user meets it: the built program, a real engine, a real registry.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import type Docker from 'dockerode';
import { startSwapctl, swapctl } from '../lab/cli.ts';
import { engineFacts } from '../lab/engine.ts';
import { type Registry, type RegistryOptions, startRegistry } from '../lab/registry.ts';
import { testWorld, untilHealthy, type World } from '../lab/world.ts';

const QUICK = ['--settle', '500ms', '--drain-timeout', '2s'];

async function identity(world: World, name: string): Promise<{ id: string; startedAt: string; imageId: string }> {
  const { Id, State, Image } = await world.docker.getContainer(world.name(name)).inspect();
  return { id: Id, startedAt: State.StartedAt, imageId: Image };
}

async function ownNames(world: World): Promise<string[]> {
  const all = await world.docker.listContainers({ all: true });
  return all
    .map((one) => (one.Names[0] ?? '').slice(1))
    .filter((name) => name.startsWith(world.prefix))
    .sort();
}

test('a container is replaced by one of the newer image, under its own name', async (t) => {
  const world = testWorld(t);
  const before = await world.image('app:1');
  const after = await world.image('app:2', { env: { READY_AFTER_MS: 500 } });
  await untilHealthy(await world.container('web', { image: before, network: await world.network('net') }));
  const old = await identity(world, 'web');

  const plan = await swapctl(['plan', world.name('web'), '--image', after], { env: world.env });
  assert.equal(plan.code, 0);
  assert.match(plan.stdout, /start-first/);
  assert.deepEqual(await identity(world, 'web'), old, 'a plan changes nothing');

  const roll = await swapctl(['roll', world.name('web'), '--image', after, '--json', ...QUICK], { env: world.env });
  assert.equal(roll.code, 0, roll.stderr);
  const report = roll.json();
  assert.equal(report.outcome, 'rolled');
  assert.equal(report.strategy, 'start-first');
  assert.equal(report.from.container, old.id.slice(0, 12));
  assert.notEqual((await identity(world, 'web')).id, old.id);
  assert.deepEqual(await ownNames(world), [world.name('web')], 'nothing else is left');

  // Some give a digest to what was built here, too, so a registry would be asked for it.
  const { digestsOfBuilds } = await engineFacts(world.docker);
  const here = digestsOfBuilds ? ['--pull', 'missing'] : [];
  const again = await swapctl(['roll', world.name('web'), '--json', ...here, ...QUICK], { env: world.env });
  assert.equal(again.json().outcome, 'unchanged');
  const args = ['roll', world.name('web'), '--force', '--json', ...here, ...QUICK];
  const forced = await swapctl(args, { env: world.env });
  assert.equal(forced.json().outcome, 'rolled', 'with --force it is rolled all the same');
});

test('a roll whose terminal is closed is done to its end', async (t) => {
  const world = testWorld(t);
  const before = await world.image('app:1');
  const after = await world.image('app:2');
  await untilHealthy(await world.container('web', { image: before, network: await world.network('net') }));
  const args = ['roll', world.name('web'), '--image', after, ...QUICK];
  const close = (_: string, kill: (signal: NodeJS.Signals) => void): void => {
    rolling.hangUp();
    kill('SIGHUP');
  };
  const rolling = startSwapctl(args, { env: world.env, onStderr: close });
  assert.equal((await rolling.result).code, 0);
  const { Id } = await world.docker.getImage(after).inspect();
  assert.equal((await identity(world, 'web')).imageId, Id);
  assert.deepEqual(await ownNames(world), [world.name('web')], 'nothing else is left');
});

test('a rollback goes back to the image that ran before, and a roll does not go forward again by itself', async (t) => {
  const world = testWorld(t);
  const before = await world.image('app:1');
  const after = await world.image('app:2');
  await untilHealthy(await world.container('web', { image: before, network: await world.network('net') }));
  const first = await identity(world, 'web');
  await swapctl(['roll', world.name('web'), '--image', after, ...QUICK], { env: world.env });

  const back = await swapctl(['rollback', world.name('web'), '--json', ...QUICK], { env: world.env });
  assert.equal(back.code, 0, back.stderr);
  assert.equal(back.json().outcome, 'rolled-back');
  assert.equal((await identity(world, 'web')).imageId, first.imageId);

  const history = (await swapctl(['history', world.name('web'), '--json'], { env: world.env })).json();
  assert.deepEqual(
    history.entries.map((entry: { event: string }) => entry.event),
    ['rolled-back', 'rolled', 'started'],
  );
  const forward = await swapctl(['roll', world.name('web'), '--image', after, '--json', ...QUICK], { env: world.env });
  assert.equal(forward.code, 1);
  assert.equal(forward.json().error.code, 'known-bad');
});

test('without a way back, rollback says so and touches nothing', async (t) => {
  const world = testWorld(t);
  await world.container('web', { image: await world.image('app:1'), network: await world.network('net') });
  const old = await identity(world, 'web');
  const back = await swapctl(['rollback', world.name('web')], { env: world.env });
  assert.equal(back.code, 1);
  assert.match(back.stdout + back.stderr, /no earlier image/);
  assert.deepEqual(await identity(world, 'web'), old);
});

/** Tries a bad image twice: the old container is untouched after each, and the second time nothing is started. */
async function assertRefused(world: World, image: string, reason: RegExp): Promise<void> {
  const old = await identity(world, 'web');
  const first = await swapctl(['roll', world.name('web'), '--image', image, '--settle', '5s'], { env: world.env });
  assert.equal(first.code, 1, first.stdout + first.stderr);
  assert.match(first.stdout + first.stderr, reason);
  assert.deepEqual(await identity(world, 'web'), old, 'same container, same start time');

  const started: string[] = [];
  const second = await swapctl(['roll', world.name('web'), '--image', image, '--json'], {
    env: world.env,
    onStderr: (text) => started.push(...text.split('\n').filter((line) => line.includes(': start '))),
  });
  assert.equal(second.code, 1);
  assert.equal(second.json().error.code, 'known-bad');
  assert.deepEqual(started, [], 'it is refused without being started');
  assert.deepEqual(await identity(world, 'web'), old);
}

test('bad images change nothing, say why, and are not tried twice', async (t) => {
  const world = testWorld(t);
  const good = await world.image('app:1');
  await untilHealthy(await world.container('web', { image: good, network: await world.network('net') }));
  const bad: [string, Parameters<World['image']>[1], RegExp][] = [
    ['exits at once', { env: { EXIT_AFTER_MS: 0, EXIT_CODE: 3 } }, /exited with status 3/],
    ['exits after 3 s', { env: { EXIT_AFTER_MS: 3000, EXIT_CODE: 4 }, health: false }, /exited with status 4/],
    ['never healthy', { env: { NEVER_HEALTHY: 1 } }, /unhealthy|not healthy/],
    ['turns unhealthy', { env: { UNHEALTHY_AFTER_MS: 1500 } }, /unhealthy/],
    ['command not found', { cmd: ['/no/such/program'] }, /can't be started/],
  ];
  for (const [at, [what, options, reason]] of bad.entries()) {
    await t.test(what, async () => assertRefused(world, await world.image(`bad:${at}`, options), reason));
  }
});

test('what can not be pulled ends with 5 and touches nothing', async (t) => {
  const world = testWorld(t);
  const registry = await registryFor(t, world);
  await world.container('web', { image: await world.image('app:1'), network: await world.network('net') });
  const old = await identity(world, 'web');
  await registry.push(world.docker, await world.image('other:1', { architecture: 's390x' }), 'app:other');
  const cases: [string, RegExp][] = [
    [`${registry.host}/app:no-such-tag`, /there is no image/],
    [`${registry.host}/app:other`, /s390x|platform/],
    ['127.0.0.1:1/app:1', /can't be asked/],
  ];
  for (const [reference, reason] of cases) {
    const roll = await swapctl(['roll', world.name('web'), '--image', reference, '--pull', 'always'], {
      env: world.env,
    });
    assert.equal(roll.code, 5, `${reference}: ${roll.stdout}${roll.stderr}`);
    assert.match(roll.stdout + roll.stderr, reason);
    assert.deepEqual(await identity(world, 'web'), old);
  }
});

test('a push to the followed tag is pulled by its digest and rolled', async (t) => {
  const world = testWorld(t);
  const registry = await registryFor(t, world);
  const { reference } = await registry.push(world.docker, await world.image('app:1'), 'app:stable');
  await pull(world.docker, reference);
  await untilHealthy(await world.container('web', { image: reference, network: await world.network('net') }));
  assert.equal((await swapctl(['roll', world.name('web'), '--json'], { env: world.env })).json().outcome, 'unchanged');

  const { digest } = await registry.push(world.docker, await world.image('app:2'), 'app:stable');
  const roll = await swapctl(['roll', world.name('web'), '--json', ...QUICK], { env: world.env });
  assert.equal(roll.code, 0, roll.stderr);
  // Podman has two digests of an image that was built and pushed here, and its registries without TLS are its secret.
  if (!(await engineFacts(world.docker)).podman) assert.equal(roll.json().to.digest, digest);
  const { Config, Image } = await world.docker.getContainer(world.name('web')).inspect();
  assert.equal(Config.Image, reference, 'it still follows the tag');
  assert.equal((await world.docker.getImage(reference).inspect()).Id, Image, 'the local tag names what runs');

  await registry.stop();
  const back = await swapctl(['rollback', world.name('web'), '--json', ...QUICK], { env: world.env });
  assert.equal(back.json().outcome, 'rolled-back', 'a rollback needs no registry');
  await untag(world, reference);
});

for (const login of ['htpasswd', 'token'] as const) {
  test(`a registry with ${login} login: Docker's config.json lets swapctl pull, without it the error says so`, async (t) => {
    const world = testWorld(t);
    const registry = await registryFor(t, world, { login });
    const { reference } = await registry.push(world.docker, await world.image('app:1'), 'app:1');
    await world.container('web', { image: await world.image('old:1'), network: await world.network('net') });
    const args = ['roll', world.name('web'), '--image', reference, '--pull', 'always', '--json', ...QUICK];
    const without = await swapctl(args, { env: { ...world.env, DOCKER_CONFIG: dockerConfig(t, {}) } });
    assert.equal(without.code, 5, without.stdout);
    const { username, password } = registry.login ?? { username: '', password: '' };
    const auth = Buffer.from(`${username}:${password}`).toString('base64');
    const config = dockerConfig(t, { auths: { [registry.host]: { auth } } });
    const withLogin = await swapctl([...args, '--verbose'], { env: { ...world.env, DOCKER_CONFIG: config } });
    assert.equal(withLogin.code, 0, withLogin.stderr);
    assert.ok(!`${withLogin.stdout}${withLogin.stderr}`.includes(password), 'the password is in no output');
    await untag(world, reference);
  });
}

test('a container with --rm is rolled, and gone containers leave no names behind', async (t) => {
  const world = testWorld(t);
  const before = await world.image('app:1');
  const after = await world.image('app:2');
  const network = await world.network('net');
  await untilHealthy(
    await world.container('web', {
      image: before,
      network,
      create: { HostConfig: { AutoRemove: true, NetworkMode: network } },
    }),
  );
  const roll = await swapctl(['roll', world.name('web'), '--image', after, '--json', ...QUICK], { env: world.env });
  assert.equal(roll.json().outcome, 'rolled', roll.stderr);
  assert.equal((await world.docker.getContainer(world.name('web')).inspect()).HostConfig.AutoRemove, true);
  assert.deepEqual(await ownNames(world), [world.name('web')]);
});

test('a stop-first roll whose new container fails brings the old one back', async (t) => {
  const world = testWorld(t);
  const volume = await world.volume('data');
  const create = { HostConfig: { Binds: [`${volume}:/data`], RestartPolicy: { Name: 'always' } } };
  await untilHealthy(await world.container('web', { image: await world.image('app:1'), create }));
  const old = await identity(world, 'web');
  const bad = await world.image('app:bad', { env: { NEVER_HEALTHY: 1 } });
  const roll = await swapctl(['roll', world.name('web'), '--image', bad, '--json'], { env: world.env });
  assert.equal(roll.code, 1);
  assert.equal(roll.json().strategy, 'stop-first');
  assert.ok(roll.json().gap > 0 && roll.json().gap < roll.json().timings.total, roll.stdout);
  const after = await world.docker.getContainer(world.name('web')).inspect();
  assert.equal(after.Id, old.id, 'the same container');
  assert.equal(after.State.Running, true);
  assert.equal(after.HostConfig.RestartPolicy?.Name, 'always', 'with its restart policy');
});

test('Ctrl-C before the switch takes the new container away and leaves the old one alone', async (t) => {
  const world = testWorld(t);
  const slow = await world.image('app:slow', { env: { READY_AFTER_MS: 600_000 }, health: { intervalMs: 30_000 } });
  await untilHealthy(
    await world.container('web', { image: await world.image('app:1'), network: await world.network('net') }),
  );
  const old = await identity(world, 'web');
  const roll = await swapctl(['roll', world.name('web'), '--image', slow, '--json'], {
    env: world.env,
    onStderr: (text, kill) => text.includes('wait until') && kill('SIGINT'),
  });
  assert.equal(roll.code, 1);
  assert.equal(roll.json().error.code, 'interrupted');
  assert.deepEqual(await identity(world, 'web'), old);
  assert.deepEqual(await ownNames(world), [world.name('web')]);
});

test('stopped, paused and unknown containers are refused with the reason', async (t) => {
  const world = testWorld(t);
  const image = await world.image('app:1');
  await world.container('off', { image, start: false });
  const paused = await world.container('paused', { image });
  await paused.pause();
  t.after(() => paused.unpause().catch(() => {}));
  for (const [name, reason] of [
    ['off', /not running/],
    ['paused', /paused/],
    ['nobody', /there is no service/],
  ] as const) {
    const roll = await swapctl(['roll', world.name(name)], { env: world.env });
    assert.equal(roll.code, 2);
    assert.match(roll.stdout + roll.stderr, reason);
  }
});

async function registryFor(
  t: { after(cleanUp: () => unknown): void },
  world: World,
  options: RegistryOptions = {},
): Promise<Registry> {
  const registry = await startRegistry({ ...options, address: world.hostAddress });
  t.after(() => registry.stop());
  return registry;
}

function dockerConfig(t: { after(cleanUp: () => unknown): void }, config: object): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-config-'));
  writeFileSync(path.join(folder, 'config.json'), JSON.stringify(config));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

async function pull(docker: Docker, reference: string): Promise<void> {
  const stream = await docker.pull(reference);
  await new Promise<void>((resolve, reject) => stream.on('end', resolve).on('error', reject).resume());
}

// Images of a test's registry bear its name, not the world's, so the world's own clean-up does not find them.
async function untag(world: World, reference: string): Promise<void> {
  for (const container of await world.docker.listContainers({ all: true })) {
    if (container.Names[0]?.startsWith(`/${world.prefix}`))
      await world.docker.getContainer(container.Id).remove({ force: true });
  }
  await world.docker
    .getImage(reference)
    .remove({ force: true })
    .catch(() => {});
}
