// The lab itself: a test is worth no more than its lab.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'node:test';
import { composeLabels, composeProject } from '../lab/compose.ts';
import { endOf } from '../lab/engine.ts';
import { startLoad } from '../lab/load.ts';
import { output, startLoadInside } from '../lab/load-inside.ts';
import { pushIndex, startRegistry } from '../lab/registry.ts';
import { startSshd } from '../lab/sshd.ts';
import { startUpgrades } from '../lab/upgrade.ts';
import { eventually, SAFETY_NET_MS } from '../lab/waiting.ts';
import { hostPort, testWorld, untilHealthy, type World } from '../lab/world.ts';

async function appUrl(world: World, container: Parameters<typeof hostPort>[0]): Promise<string> {
  return `http://${world.address}:${await hostPort(container)}`;
}

test('an image says what it was asked to say', async (t) => {
  const world = testWorld(t);
  const image = await world.image('app:7', {
    env: { COLOUR: 'blue' },
    health: { intervalMs: 300, startPeriodMs: 1500, retries: 2 },
    labels: { 'com.example': 'yes' },
    ports: [8080, '53/udp'],
    volumes: ['/data'],
    user: 'app',
    stopSignal: 'SIGINT',
    entrypoint: ['node'],
    cmd: ['/app/server.mjs'],
  });
  const { Config: config } = await world.docker.getImage(image).inspect();
  assert.deepEqual(config.Env.sort(), ['COLOUR=blue', 'PATH=/usr/bin:/bin:/usr/sbin:/sbin', 'VERSION=7']);
  assert.equal(config.User, 'app');
  assert.equal((config as { StopSignal?: string }).StopSignal, 'SIGINT');
  assert.deepEqual([config.Entrypoint, config.Cmd], [['node'], ['/app/server.mjs']]);
  assert.deepEqual(Object.keys(config.ExposedPorts ?? {}).sort(), ['53/udp', '8080/tcp']);
  assert.deepEqual(Object.keys(config.Volumes ?? {}), ['/data']);
  assert.equal(config.Labels['com.example'], 'yes');
  assert.equal(config.Labels['swapctl.test'], '1');
  assert.equal(config.Healthcheck?.Interval, 300_000_000);
  assert.equal(config.Healthcheck?.StartPeriod, 1_500_000_000);
});

test('the app becomes healthy, with either health check, and answers with its version', async (t) => {
  const world = testWorld(t);
  const byNode = { test: ['CMD', 'node', '/app/healthcheck.mjs'] };
  for (const health of [{}, byNode]) {
    const image = await world.image('app:3', { health });
    const app = await world.container(health === byNode ? 'node' : 'wget', { image, ports: [{ host: 0 }] });
    await untilHealthy(app);
    const answer = await fetch(await appUrl(world, app));
    assert.equal(answer.headers.get('x-version'), '3');
    assert.equal(((await answer.json()) as { version: string }).version, '3');
  }
});

test('the app misbehaves when told to', async (t) => {
  const world = testWorld(t);
  const image = await world.image('app:1', { health: { intervalMs: 200, retries: 1 } });
  const start = (name: string, env: Record<string, string | number>) =>
    world.container(name, { image, env, ports: [{ host: 0 }] });
  const health = async (container: Awaited<ReturnType<typeof start>>) =>
    (await container.inspect()).State.Health?.Status;

  const never = await start('never', { NEVER_HEALTHY: 1 });
  const crashing = await start('crashing', { EXIT_AFTER_MS: 300, EXIT_CODE: 7 });
  const late = await start('late', { READY_AFTER_MS: 1500, LISTEN: 'late' });
  await eventually('the one that is never ready is unhealthy', async () => (await health(never)) === 'unhealthy');
  assert.equal((await crashing.wait()).StatusCode, 7);
  assert.match((await output(crashing)).stderr, /exiting with 7/);
  await untilHealthy(late);
  const state = (await late.inspect()).State;
  assert.ok(Date.now() - Date.parse(state.StartedAt) >= 1500, 'healthy only after READY_AFTER_MS');
});

test('an image for another architecture can be made', async (t) => {
  const world = testWorld(t);
  const image = await world.image('foreign:1', { architecture: 's390x' });
  assert.equal((await world.docker.getImage(image).inspect()).Architecture, 's390x');
});

for (const login of ['none', 'htpasswd', 'token'] as const) {
  for (const tls of [false, true]) {
    test(`a registry with login ${login}${tls ? ' and TLS' : ''} takes a push and gives it back`, async (t) => {
      const world = testWorld(t);
      const registry = await startRegistry({ login, tls, address: world.hostAddress });
      world.after(() => registry.stop());
      const image = await world.image('app:1', { from: 'base' });
      const { reference, digest } = await registry.push(world.docker, image, 'team/app:1');
      const pull = async (authconfig?: object) =>
        endOf(await world.docker.pull(reference, authconfig ? { authconfig } : {}));
      if (registry.login) await assert.rejects(pull());
      await pull(registry.login && { ...registry.login, serveraddress: registry.host });
      const { RepoDigests } = await world.docker.getImage(reference).inspect();
      assert.ok(RepoDigests.some((one) => one.endsWith(digest)));
      await world.docker.getImage(reference).remove();

      const index = await pushIndex(registry, 'team/app:many', [{ tag: '1', architecture: 'amd64' }]);
      assert.equal(await registry.digest('team/app:many'), index);
      assert.equal(await registry.digest('team/app:nope'), undefined);
    });
  }
}

test('the load client sees nothing where nothing happens, and a killed app as failures', async (t) => {
  const world = testWorld(t);
  const app = await world.container('web', { image: await world.image('app:1'), ports: [{ host: 0 }] });
  await untilHealthy(app);
  const url = await appUrl(world, app);

  const calm = startLoad({ url, ratePerSecond: 100, keepAlive: 'mixed', method: 'POST' });
  await calm.until(50, '1');
  const { failed, requests, byVersion } = await calm.stop();
  assert.equal(failed, 0);
  assert.equal(byVersion['1'], requests);

  const stormy = startLoad({ url, ratePerSecond: 100, keepAlive: 'mixed' });
  await stormy.until(20);
  await app.kill();
  await eventually('requests fail', async () => stormy.soFar().failed >= 10);
  const report = await stormy.stop();
  assert.equal(report.failed, report.failures.length);
});

test('an app that drains loses nothing, one that exits at once does', async (t) => {
  const world = testWorld(t);
  const image = await world.image('app:1');
  const failedAtStop = async (name: string, drain: 0 | 1) => {
    const app = await world.container(name, { image, env: { DRAIN: drain }, ports: [{ host: 0 }] });
    await untilHealthy(app);
    // Long requests, all in progress when the stop comes.
    const load = startLoad({ url: `${await appUrl(world, app)}/slow?ms=1000`, ratePerSecond: 50 });
    await load.until(10);
    const [report] = await Promise.all([load.stop(), app.stop({ t: 60 })]);
    return report.failed;
  };
  assert.equal(await failedAtStop('polite', 1), 0);
  assert.ok((await failedAtStop('rude', 0)) > 0);
});

test('a client in a network tries every address of a name', async (t) => {
  const world = testWorld(t);
  const network = await world.network('net');
  const place = { network, aliases: ['web'] };
  const first = await world.container('web-1', { image: await world.image('app:1'), ...place });
  await untilHealthy(first);
  const load = await startLoadInside(world, { network, url: 'http://web:8080/', keepAlive: false });
  // This one is in the DNS before it listens: its address refuses connections.
  const env = { READY_AFTER_MS: 800, LISTEN: 'late' };
  await untilHealthy(await world.container('web-2', { image: await world.image('app:2'), env, ...place }));
  await load.answeredBy('1');
  await load.answeredBy('2');
  assert.equal((await load.stop()).failed, 0);
});

for (const version of ['2.26', '2.40'] as const) {
  test(`compose ${version} brings a project up, and the world takes it down`, async (t) => {
    const world = testWorld(t);
    const image = await world.image('app:1');
    const web = `{ image: '${image}', ports: ['8080'], labels: ${composeLabels(world)} }`;
    const project = composeProject(world, `services: { web: ${web} }`, { version });
    await project.run('up', '--detach', '--wait');
    const [container] = await world.docker.listContainers({
      filters: { label: [`com.docker.compose.project=${project.name}`] },
    });
    assert.equal(container?.Labels['com.docker.compose.service'], 'web');
    await world.cleanUp();
    assert.ok(!JSON.stringify(await world.docker.listNetworks()).includes(world.prefix));
  });
}

test('an ssh server leads to the engine of this machine', async (t) => {
  const sshd = await startSshd();
  t.after(() => sshd.stop());
  const env = { ...process.env, PATH: `${sshd.bin}:${process.env.PATH}`, DOCKER_HOST: sshd.dockerHost };
  const version = execFileSync('docker', ['version', '--format', '{{.Server.Version}}'], { env, encoding: 'utf8' });
  assert.match(version, /^\d+\./);
});

test('a world leaves nothing behind', async () => {
  const world = testWorld({ after: () => {} });
  const { docker, prefix } = world;
  const image = await world.image('app:1', { volumes: ['/data'] });
  const network = await world.network('net');
  const volume = await world.volume('vol');
  await world.container('web', { image, network, create: { HostConfig: { Binds: [`${volume}:/data`] } } });
  // Containers that swapctl re-creates have the labels, whatever their name; those of compose have the name, and no labels.
  await docker.createContainer({ name: `x-${Date.now()}`, Image: image, Labels: world.labels });
  await docker.createNetwork({ Name: `${prefix}_default` });
  await world.cleanUp();
  const left = JSON.stringify([
    await docker.listContainers({ all: true }),
    await docker.listNetworks(),
    await docker.listVolumes(),
    await docker.listImages(),
  ]);
  assert.ok(!left.includes(prefix), left);
});

test('clients end, also with a connection that comes about after they were told to', {
  timeout: SAFETY_NET_MS,
}, async (t) => {
  const accepted = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n';
  const server = http.createServer().on('upgrade', (_, socket) => socket.on('error', () => {}).write(accepted));
  server.listen(0, '127.0.0.1');
  t.after(() => server.close());
  await new Promise((listening) => server.once('listening', listening));
  const { port } = server.address() as AddressInfo;
  const clients = startUpgrades({ url: `http://127.0.0.1:${port}/`, connections: 2, timeoutMs: SAFETY_NET_MS });
  assert.equal((await clients.stop()).opened, 2);
});
