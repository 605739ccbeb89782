// The rest of test/engine/roll/roll.test.ts: bad images, a registry with a login, images out of reach, a closed terminal,
// a start that the host refuses.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import type Docker from 'dockerode';
import { identity, ownNames, QUICK, registryFor, untag } from '../../engine/roll/roll-world.ts';
import { startSwapctl, swapctl } from '../../lab/cli.ts';
import { engineFacts } from '../../lab/engine.ts';
import { testWorld, untilHealthy, type World } from '../../lab/world.ts';

test('a roll whose terminal is closed is done to its end', async (t) => {
  const world = testWorld(t);
  const before = await world.image('app:1', { from: 'httpd' });
  const after = await world.image('app:2', { from: 'httpd' });
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

/** Tries a bad image twice: the old container is untouched after each, and the second time nothing is started. */
async function assertRefused(world: World, image: string, reason: RegExp): Promise<void> {
  const old = await identity(world, 'web');
  const first = await swapctl(['roll', world.name('web'), '--image', image, '--settle', '10m'], { env: world.env });
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
  const good = await world.image('app:1', { from: 'httpd' });
  await untilHealthy(await world.container('web', { image: good, network: await world.network('net') }));
  const bad: [string, Parameters<World['image']>[1], RegExp][] = [
    ['exits at once', { env: { EXIT_AFTER_MS: 0, EXIT_CODE: 3 } }, /exited with status 3/],
    ['exits after 3 s', { env: { EXIT_AFTER_MS: 3000, EXIT_CODE: 4 }, health: false }, /exited with status 4/],
    ['never healthy', { env: { NEVER_HEALTHY: 1 }, health: { retries: 3 } }, /unhealthy|not healthy/],
    ['turns unhealthy', { env: { UNHEALTHY_AFTER_MS: 1500 }, health: { retries: 3 } }, /unhealthy/],
    ['command not found', { cmd: ['/no/such/program'] }, /can't be started/],
    ['command not executable', { cmd: ['/etc/passwd'] }, /can't be started/],
  ];
  for (const [at, [what, options, reason]] of bad.entries()) {
    await t.test(what, async () => assertRefused(world, await world.image(`bad:${at}`, options), reason));
  }
});

test('what can not be pulled ends with 5 and touches nothing', async (t) => {
  const world = testWorld(t);
  const registry = await registryFor(t, world);
  await world.container('web', {
    image: await world.image('app:1', { from: 'httpd' }),
    network: await world.network('net'),
  });
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

// An update pulls from a registry with a token in update-more.test.ts.
test("a registry with a login: Docker's config.json lets swapctl pull, without it the error says so", async (t) => {
  const world = testWorld(t);
  const registry = await registryFor(t, world, { login: 'htpasswd' });
  const { reference } = await registry.push(world.docker, await world.image('app:1', { from: 'httpd' }), 'app:1');
  await world.container('web', {
    image: await world.image('old:1', { from: 'httpd' }),
    network: await world.network('net'),
  });
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

function dockerConfig(t: { after(cleanUp: () => unknown): void }, config: object): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-config-'));
  writeFileSync(path.join(folder, 'config.json'), JSON.stringify(config));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('a push to the followed tag is pulled by its digest and rolled', async (t) => {
  const world = testWorld(t);
  const registry = await registryFor(t, world);
  const { reference } = await registry.push(world.docker, await world.image('app:1', { from: 'httpd' }), 'app:stable');
  await pull(world.docker, reference);
  await untilHealthy(await world.container('web', { image: reference, network: await world.network('net') }));
  assert.equal((await swapctl(['roll', world.name('web'), '--json'], { env: world.env })).json().outcome, 'unchanged');

  const { digest } = await registry.push(world.docker, await world.image('app:2', { from: 'httpd' }), 'app:stable');
  const roll = await swapctl(['roll', world.name('web'), '--json', ...QUICK], { env: world.env });
  assert.equal(roll.code, 0, roll.stderr);
  // Podman has two digests of an image that was built and pushed here, and does not show its registries without TLS.
  if (!(await engineFacts(world.docker)).podman) assert.equal(roll.json().to.digest, digest);
  const { Config, Image } = await world.docker.getContainer(world.name('web')).inspect();
  assert.equal(Config.Image, reference, 'it still follows the tag');
  assert.equal((await world.docker.getImage(reference).inspect()).Id, Image, 'the local tag names what runs');

  await registry.stop();
  const back = await swapctl(['rollback', world.name('web'), '--json', ...QUICK], { env: world.env });
  assert.equal(back.json().outcome, 'rolled-back', 'a rollback needs no registry');
  await untag(world, reference);
});

async function pull(docker: Docker, reference: string): Promise<void> {
  const stream = await docker.pull(reference);
  await new Promise<void>((resolve, reject) => stream.on('end', resolve).on('error', reject).resume());
}

test('an image is not rejected for a start that the host refused', async (t) => {
  const world = testWorld(t);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-mount-'));
  const config = path.join(folder, 'config');
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(config, '');
  const network = await world.network('net');
  // A file of the image that the application does not read.
  const create = { HostConfig: { Binds: [`${config}:/app/load.mjs:ro`], NetworkMode: network } };
  await untilHealthy(await world.container('web', { image: await world.image('app:1'), network, create }));
  const old = await identity(world, 'web');
  const args = ['roll', world.name('web'), '--image', await world.image('app:2'), '--json', ...QUICK];

  // A folder can't be mounted over a file, and engines have the same exit code for that as for a command that is not there.
  rmSync(config);
  mkdirSync(config);
  const refused = await swapctl(args, { env: world.env });
  assert.equal(refused.code, 1, refused.stdout + refused.stderr);
  assert.equal(refused.json().error.code, 'cannot-start-again');
  assert.deepEqual(await identity(world, 'web'), old, 'same container, same start time');
  assert.deepEqual(await ownNames(world), [world.name('web')], 'the new image was not even tried');

  rmSync(config, { recursive: true });
  writeFileSync(config, '');
  const roll = await swapctl(args, { env: world.env });
  assert.equal(roll.json().outcome, 'rolled', roll.stderr);
});
