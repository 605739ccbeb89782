// Available updates from a real registry, for containers of a real engine.
import assert from 'node:assert/strict';
import test from 'node:test';
import { swapctl } from '../../lab/cli.ts';
import { pushIndex } from '../../lab/registry.ts';
import { checkSeesPush } from './check-push.ts';
import { lab } from './registry-lab.ts';

checkSeesPush({});

test('an index that changed for another platform is no update, and one for this is', async (t) => {
  const { world, registry, env, push, start } = await lab(t);
  const { Arch: own } = await world.docker.version();
  const other = own === 's390x' ? 'amd64' : 's390x';
  const members = (ours: string, theirs: string) => [
    { tag: ours, architecture: own },
    { tag: theirs, architecture: other },
  ];
  for (const version of ['1', '2', '3']) await push(version, version);
  const before = await pushIndex(registry, 'team/app:many', members('1', '2'));
  const web = await start('web', 'many');
  const check = async () => (await swapctl(['check', web, '--json'], { env })).json()[0];
  assert.equal((await check()).outcome, 'current');
  assert.notEqual(await pushIndex(registry, 'team/app:many', members('1', '3')), before);
  assert.match((await check()).because, /changed, but not the image for this platform/);
  await pushIndex(registry, 'team/app:many', members('2', '3'));
  assert.equal((await check()).outcome, 'available');
  await pushIndex(registry, 'team/app:many', [{ tag: '3', architecture: other }]);
  assert.equal((await check()).error.code, 'wrong-platform');
});

test('the newest tag that swapctl.track allows is found, planned and rolled to', async (t) => {
  const { world, registry, env, push, start, asked } = await lab(t);
  await push('1', '1.0.0');
  const web = await start('web', '1.0.0', { 'swapctl.track': 'minor' });
  await push('2', '1.1.0');
  await push('3', '2.0.0');
  const target = `${registry.host}/team/app:1.1.0`;
  const found = await swapctl(['check', web, '--json'], { env });
  assert.equal(found.code, 10, found.stdout + found.stderr);
  assert.equal(found.json()[0].to.reference, target);
  assert.equal((await swapctl(['plan', web, '--json'], { env })).json().image, target);
  const rolled = await swapctl(['roll', web, '--json'], { env });
  assert.equal(rolled.code, 0, rolled.stdout + rolled.stderr);
  assert.equal((await world.docker.getContainer(web).inspect()).Config.Image, target);
  const after = await asked(async () => assert.equal((await swapctl(['check', web], { env })).code, 0));
  assert.deepEqual(after, ['GET /v2/team/app/tags/list?n=1000', 'HEAD /v2/team/app/manifests/1.1.0']);
  assert.equal((await swapctl(['roll', web, '--json'], { env })).json().outcome, 'unchanged');
});

test('a registry that is away ends with 5, and a local build is not asked for', async (t) => {
  const { world, registry, env, push, start } = await lab(t);
  await push('1', 'stable');
  const web = await start('web', 'stable');
  await world.container('built', { image: await world.image('local:1', { from: 'httpd' }) });
  await registry.stop();
  const { code, stdout } = await swapctl(['check', web, world.name('built')], { env });
  assert.equal(code, 5, stdout);
  assert.match(stdout, /registry-unreachable/);
  assert.match(stdout, /nobody listens there/);
});
