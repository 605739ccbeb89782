// A container in the PID namespace of another one is killed with it: the roll that stops the owner starts it again.
import assert from 'node:assert/strict';
import test from 'node:test';
import { swapctl } from '../../lab/cli.ts';
import { engineUnderTest, isPodman } from '../../lab/engine.ts';
import { testWorld } from '../../lab/world.ts';

for (const strategy of ['stop-first', 'start-first'] as const)
  test(`a dependent in the PID namespace of what is rolled ${strategy} runs again after it`, async (t) => {
    if (await isPodman(engineUnderTest().docker)) return t.skip('Podman starts it in a pod of its own');
    const world = testWorld(t);
    const labels = { 'swapctl.settle': '200ms', 'swapctl.drain.timeout': '100ms', 'swapctl.strategy': strategy };
    const [old, image] = [await world.image('app:1', { from: 'httpd' }), await world.image('app:2', { from: 'httpd' })];
    const network = await world.network('net');
    await world.container('app', { image: old, network, labels });
    const app = world.name('app');
    const HostConfig = { PidMode: `container:${app}`, IpcMode: 'private', RestartPolicy: { Name: 'unless-stopped' } };
    await world.container('sidecar', {
      image: old,
      network,
      labels: { 'swapctl.settle': '200ms' },
      create: { HostConfig },
    });
    const inspect = (name: string) => world.docker.getContainer(world.name(name)).inspect();
    const before = await inspect('sidecar');
    const roll = await swapctl(['roll', app, '--image', image, '--pull', 'never', '--json'], {
      env: world.env,
      netns: world.netns,
    });
    assert.equal(roll.code, 0, roll.stdout + roll.stderr);
    assert.equal(roll.json().outcome, 'rolled');
    const [owner, after] = [await inspect('app'), await inspect('sidecar')];
    assert.equal(after.State.Running, true);
    assert.notEqual(after.Id, before.Id);
    assert.ok([`container:${owner.Id}`, `container:${app}`].includes(after.HostConfig.PidMode ?? ''));
    assert.equal(after.HostConfig.RestartPolicy?.Name, 'unless-stopped');
    const names = (await world.docker.listContainers({ all: true })).map(({ Names: [name = ''] }) => name.slice(1));
    assert.deepEqual(names.filter((name) => name.startsWith(world.prefix)).sort(), [app, world.name('sidecar')].sort());
  });

test('it runs again after a roll that failed, with the old container', async (t) => {
  if (await isPodman(engineUnderTest().docker)) return t.skip('Podman starts it in a pod of its own');
  const world = testWorld(t);
  const settings = { strategy: 'stop-first', rehearsal: 'false', settle: '200ms', 'drain.timeout': '100ms' };
  const labels = Object.fromEntries(Object.entries(settings).map(([key, value]) => [`swapctl.${key}`, value]));
  const old = await world.image('app:1', { from: 'httpd' });
  const bad = await world.image('app:bad', { env: { NEVER_HEALTHY: 1 }, health: { intervalMs: 500, retries: 2 } });
  await world.container('app', { image: old, network: await world.network('net'), labels });
  const create = { HostConfig: { PidMode: `container:${world.name('app')}` } };
  await world.container('sidecar', { image: old, labels: { 'swapctl.settle': '200ms' }, create });
  const roll = await swapctl(['roll', world.name('app'), '--image', bad, '--pull', 'never', '--json'], {
    env: world.env,
    netns: world.netns,
  });
  assert.equal(roll.json().error?.code, 'not-healthy', roll.stdout);
  for (const name of ['app', 'sidecar'])
    assert.equal((await world.docker.getContainer(world.name(name)).inspect()).State.Running, true, name);
});

for (const moment of [/start .*app/, /re-create .*sidecar/])
  test(`recover starts it again after a death of swapctl at the step ${moment.source}`, async (t) => {
    if (await isPodman(engineUnderTest().docker)) return t.skip('Podman starts it in a pod of its own');
    const world = testWorld(t);
    const settings = { strategy: 'stop-first', rehearsal: 'false', settle: '200ms', 'drain.timeout': '100ms' };
    const labels = Object.fromEntries(Object.entries(settings).map(([key, value]) => [`swapctl.${key}`, value]));
    const [old, image] = [await world.image('app:1', { from: 'httpd' }), await world.image('app:2', { from: 'httpd' })];
    await world.container('app', { image: old, network: await world.network('net'), labels });
    const create = { HostConfig: { PidMode: `container:${world.name('app')}` } };
    await world.container('sidecar', { image: old, labels: { 'swapctl.settle': '200ms' }, create });
    const running = async (name: string) => (await world.docker.getContainer(world.name(name)).inspect()).State.Running;
    const where = { env: world.env, netns: world.netns };
    const roll = await swapctl(['roll', world.name('app'), '--image', image, '--pull', 'never'], {
      ...where,
      atLine: async (line, kill) => {
        if (moment.test(line) && !(await running('sidecar'))) kill('SIGKILL');
      },
    });
    assert.equal(roll.endedBy, 'SIGKILL', roll.stderr);
    const recovered = await swapctl(['recover', world.name('app')], where);
    assert.equal(recovered.code, 0, recovered.stdout + recovered.stderr);
    for (const name of ['app', 'sidecar']) assert.equal(await running(name), true, name);
  });
