// swapctl's own probe reaches a container that has no IPv4 address, or the network of another one, and no other server on this machine:
// engine 28, since older ones give each network IPv4.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import test, { type TestContext } from 'node:test';
import { swapctl } from '../../lab/cli.ts';
import { startEngine } from '../../lab/engines.ts';
import { APP_PORT } from '../../lab/images.ts';
import { enter } from '../../lab/netns.ts';
import { testWorld, type World } from '../../lab/world.ts';

const why =
  process.env.SWAPCTL_TEST_ENGINES === 'default'
    ? 'SWAPCTL_TEST_ENGINES=default'
    : process.getuid?.() !== 0 && 'starting an engine takes root';

const PROBED = { 'swapctl.health.http': `${APP_PORT}/healthz`, 'swapctl.health.timeout': '10s' };
const QUICK = ['--pull', 'never', '--settle', '500ms', '--json'];
const ANSWERS = `require('node:http').createServer((_, r) => r.end('ok')).listen(${APP_PORT}, '127.0.0.1', () => console.log('up'))`;

interface Stage {
  readonly world: World;
  readonly netns: string;
  readonly image: string;
}

async function staged(t: TestContext): Promise<Stage> {
  const engine = await startEngine('sid', { spare: 'probed' });
  const world = testWorld(t, engine);
  t.after(engine.stop);
  await answerOnLoopback(t, engine.netns);
  await world.image('app:2');
  await world.image('app:3', { env: { NEVER_HEALTHY: 1 } });
  return { world, netns: engine.netns, image: await world.image('app:1') };
}

/** Another server that would pass the check of any image. */
async function answerOnLoopback(t: TestContext, netns: string): Promise<void> {
  const [program = '', ...args] = enter(netns, [process.execPath, '-e', ANSWERS]);
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  await new Promise((resolve) => child.stdout.once('data', resolve));
}

async function roll({ world, netns }: Stage, name: string, tag: string): Promise<{ outcome: string; code: string }> {
  const args = ['roll', world.name(name), '--image', world.name(`app:${tag}`), ...QUICK];
  const { stdout, stderr, json } = await swapctl(args, { env: world.env, netns });
  assert.notEqual(stdout, '', stderr);
  const { outcome, error } = json();
  return { outcome, code: error?.code ?? '' };
}

async function assertProbed(stage: Stage, name: string): Promise<void> {
  assert.deepEqual(await roll(stage, name, '2'), { outcome: 'rolled', code: '' });
  assert.deepEqual(await roll(stage, name, '3'), { outcome: 'failed', code: 'not-healthy' });
}

test('in a network without IPv4', { skip: why }, async (t) => {
  const stage = await staged(t);
  const { world, image } = stage;
  const network = await world.network('six', { EnableIPv6: true, EnableIPv4: false } as object);
  await world.container('web', { image, network, labels: PROBED });
  await assertProbed(stage, 'web');
});

test('in the network of another container', { skip: why }, async (t) => {
  const stage = await staged(t);
  const { world, image } = stage;
  const owner = await world.container('vpn', { image, env: { PORT: 9999 } });
  const create = { HostConfig: { NetworkMode: `container:${owner.id}` } };
  await world.container('web', { image, labels: PROBED, create });
  await assertProbed(stage, 'web');
});
