// One of two published ports is missing in the next image: the old container stays, and the ports with it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { assertNothingLeft, fixedPort, roll, startService } from '../../engine/traffic/handover-world.ts';
import { swapctl } from '../../lab/cli.ts';
import { testWorld } from '../../lab/world.ts';

const SERVER = readFileSync(new URL('../../lab/apps/ports.mjs', import.meta.url), 'utf8');

test('an image that lost a published port is refused, and one that has it again is rolled', async (t) => {
  const world = testWorld(t);
  const port = await fixedPort();
  const web = await startService(world, 'web', {
    app: {
      cmd: ['node', '--input-type=module', '--eval', SERVER],
      ports: [8080, 9090],
      env: { TCP_PORTS: '8080,9090' },
    },
    ports: [{ host: port }, { host: port + 1, container: 9090 }],
  });
  await web.publish('2', { env: { TCP_PORTS: '8080' } });
  const args = ['roll', web.name, '--json', '--pull', 'never'];
  const refused = await swapctl(args, { env: world.env, netns: world.netns });
  t.diagnostic(refused.stderr);
  assert.equal(refused.code, 1, refused.stdout);
  const { outcome, error, gap } = refused.json();
  assert.deepEqual([outcome, error.code, gap], ['failed', 'not-healthy', undefined]);
  assert.match(error.message, /unlike the old container, it does not serve the published port 9090\/tcp/);
  const { Id, State } = await world.docker.getContainer(web.name).inspect();
  assert.deepEqual([Id, State.Running], [web.container.id, true]);
  await assertNothingLeft(world, web.name);

  await web.publish('3');
  const { outcome: next } = (await roll(world, web.name)).json();
  assert.equal(next, 'rolled');
});
