// A socket proxy between swapctl and the engine.
import assert from 'node:assert/strict';
import test from 'node:test';
import { ownNames, QUICK } from '../../engine/roll/roll-world.ts';
import { swapctl } from '../../lab/cli.ts';
import { engineUnderTest } from '../../lab/engine.ts';
import { freePort } from '../../lab/port.ts';
import { eventually } from '../../lab/waiting.ts';
import { testWorld } from '../../lab/world.ts';

const skip = engineUnderTest().dockerHost.startsWith('unix://') ? false : 'needs an engine on this machine';

const PROXY =
  'require("net").createServer((from) => { const to = require("net").connect("/engine.sock");' +
  ' from.pipe(to).pipe(from); for (const one of [from, to]) one.on("error", () => { from.destroy(); to.destroy(); }); }).listen(2375)';

test('the container through which swapctl reaches the engine is not rolled by this way, but by another one', {
  skip,
}, async (t) => {
  const world = testWorld(t);
  const [before, after] = [await world.image('proxy:1'), await world.image('proxy:2')];
  const port = await freePort();
  const Binds = [`${world.dockerHost.slice('unix://'.length)}:/engine.sock`];
  const proxy = await world.container('proxy', {
    image: before,
    cmd: ['node', '-e', PROXY],
    ports: [{ host: port, container: 2375 }],
    create: { StopTimeout: 1, HostConfig: { Binds }, Healthcheck: { Test: ['NONE'] } },
  });
  const through = { ...world.env, DOCKER_HOST: `tcp://127.0.0.1:${port}` };
  const args = ['roll', world.name('proxy'), '--image', after, '--pull', 'never', '--json', ...QUICK];
  const refused = await eventually('the proxy answers', async () => {
    const ended = await swapctl(args, { env: through });
    return ended.code === 5 ? undefined : ended;
  });
  assert.equal(refused.code, 2, refused.stdout + refused.stderr);
  assert.equal(refused.json().error.code, 'refused');
  assert.match(refused.json().error.message, /reaches the engine through .*-proxy \(it publishes tcp:\/\/127\.0\.0\.1/);
  assert.equal((await proxy.inspect()).State.Running, true);
  assert.deepEqual(await ownNames(world), [world.name('proxy')]);

  const rolled = await swapctl(args, { env: world.env });
  assert.equal(rolled.code, 0, rolled.stdout + rolled.stderr);
  assert.equal(rolled.json().outcome, 'rolled');
});
