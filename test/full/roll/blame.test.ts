// A real engine's view of a failure, and if it counts against the image.
import assert from 'node:assert/strict';
import test from 'node:test';
import { swapctl } from '../../lab/cli.ts';
import { APP_PORT } from '../../lab/images.ts';
import { testWorld, untilHealthy, type World } from '../../lab/world.ts';

const QUICK = ['--pull', 'never', '--settle', '500ms', '--json'];
const PROBED = { 'swapctl.health.http': `${APP_PORT}/healthz`, 'swapctl.health.timeout': '3s' };

async function failing(world: World, ...args: string[]): Promise<{ code: string; message: string }> {
  const { stdout, stderr, json } = await swapctl(['roll', world.name('web'), ...QUICK, ...args], { env: world.env });
  assert.notEqual(stdout, '', stderr);
  return json().error ?? assert.fail(stdout);
}

test('a check that the old container fails, too, rejects no image; plan and history say so', async (t) => {
  const world = testWorld(t);
  const image = await world.image('app:1', { env: { NEVER_HEALTHY: 1 } });
  await world.image('app:2', { env: { NEVER_HEALTHY: 1 } });
  const web = await world.container('web', { image, labels: PROBED });
  const { Id } = await web.inspect();
  const newer = ['--image', world.name('app:2')];
  for (const tries of [undefined, 2]) {
    const { code, message } = await failing(world, ...newer);
    assert.equal(code, 'unproven', message);
    assert.match(message, /the old container fails its check, too \(HTTP 503 from \/healthz/);
    const { failures } = (await swapctl(['history', world.name('web'), '--json'], { env: world.env })).json();
    assert.deepEqual([failures[0].code, failures[0].tries], ['unproven', tries]);
  }
  const plan = await swapctl(['plan', world.name('web'), ...newer, '--pull', 'never'], { env: world.env });
  assert.match(plan.stdout.replace(/\s+/g, ' '), /the old container fails its health check now/);
  assert.equal((await web.inspect()).Id, Id);
});

test('the exit status that is quoted is that of the run that ended, however often the engine starts it again', async (t) => {
  const world = testWorld(t);
  const image = await world.image('app:1', { health: { intervalMs: 500 } });
  await world.image('app:2', { env: { EXIT_AFTER_MS: 1, EXIT_CODE: 7 }, health: { intervalMs: 500 } });
  const create = { HostConfig: { RestartPolicy: { Name: 'always' } } };
  await untilHealthy(await world.container('web', { image, create }));
  const { code, message } = await failing(world, '--image', world.name('app:2'));
  assert.equal(code, 'not-healthy', message);
  assert.match(message, /it exited with status 7/);
});
