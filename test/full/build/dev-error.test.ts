// swapctl dev under load: a failed build changes nothing, and no client notices.
import assert from 'node:assert/strict';
import test from 'node:test';
import { program, source, startDev } from '../../engine/dev/dev-world.ts';
import { fixedPort } from '../../engine/traffic/handover-world.ts';
import { startLoad } from '../../lab/load.ts';
import { testWorld, untilHealthy, type World } from '../../lab/world.ts';

const image = async (world: World, name: string) => (await world.docker.getContainer(name).inspect()).Image;

test('a syntax error is saved and mended under load, and in the end what ran before comes back', async (t) => {
  const world = testWorld(t);
  const { folder, put } = await source(t, world);
  const port = await fixedPort();
  const before = await world.image('web:live', { version: '0', health: {}, env: { DRAIN: 1 } });
  const web = await world.container('web', { image: before, ports: [{ host: port }] });
  await untilHealthy(web);
  const was = await image(world, web.id);
  const load = startLoad({ url: `http://${world.address}:${port}/`, keepAlive: 'mixed' });
  const dev = startDev(world, [world.name('web'), '--build', folder, '--rollback-on-exit']);
  await load.until(50, '1');

  put({ 'main.mjs': `${program('2')}\nconst x = ;\n` });
  const failed = await dev.said(/build of .* failed/);
  assert.equal(failed.level, 'error');
  const told = dev.lines().map(({ msg }) => msg);
  assert.ok(
    told.some((line) => /main\.mjs:8$/.test(line)),
    'the place is shown as node prints it',
  );
  assert.ok(
    told.some((line) => line.includes('SyntaxError')),
    told.join('\n'),
  );
  put({ 'main.mjs': program('3') });
  await load.until(50, '3');

  dev.kill('SIGINT');
  const { code, stdout, stderr } = await dev.end;
  assert.equal(code, 0, stdout + stderr);
  await load.until(50, '0');
  const { failed: lost, failures, byVersion } = await load.stop();
  t.diagnostic(JSON.stringify(byVersion));
  assert.equal(lost, 0, JSON.stringify(failures));
  assert.equal(byVersion['2'], undefined, 'what could not be built has never answered');
  assert.equal(await image(world, world.name('web')), was);
  const tags = (await world.docker.listImages()).flatMap(({ RepoTags }) => RepoTags ?? []);
  assert.deepEqual(
    tags.filter((tag) => tag.startsWith(`swapctl-dev/${world.prefix}`)),
    [],
    'nothing is kept for it any more',
  );
});
