// The output of `status` for a container that swapctl found healthy before the engine's own, slow check did.
import assert from 'node:assert/strict';
import test from 'node:test';
import { swapctl } from '../../lab/cli.ts';
import { testWorld, untilHealthy, type World } from '../../lab/world.ts';

// The engine probes for the first time long after the test has ended.
const SLOW = { intervalMs: 600_000 };

test('what a roll has proven is healthy until it stops, whatever the engine still waits for', async (t) => {
  const world = testWorld(t);
  const old = await world.image('app:1', { health: { intervalMs: 500 } });
  const slow = await world.image('app:2', { health: SLOW });
  await untilHealthy(await world.container('web', { image: old, network: await world.network('net') }));
  const args = ['roll', world.name('web'), '--image', slow, '--pull', 'never', '--settle', '0s', '--json'];
  const rolled = await swapctl(args, { env: world.env });
  assert.equal(rolled.code, 0, rolled.stdout + rolled.stderr);
  const container = world.docker.getContainer(world.name('web'));
  assert.equal((await container.inspect()).State.Health?.Status, 'starting');
  assert.deepEqual(await healthOf(world, 'web'), { health: 'healthy', phase: 'serving' });
  await container.restart();
  assert.deepEqual(await healthOf(world, 'web'), { health: 'starting', phase: 'starting' });
  await world.container('other', { image: slow });
  assert.deepEqual(await healthOf(world, 'other'), { health: 'starting', phase: 'starting' });
});

async function healthOf(world: World, name: string): Promise<{ health: string; phase: string }> {
  const { json } = await swapctl(['status', world.name(name), '--json'], { env: world.env });
  const [{ health, phase }] = json();
  return { health, phase };
}
