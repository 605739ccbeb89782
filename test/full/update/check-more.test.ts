// The rest of test/engine/update/check.test.ts: registries with a login, and an image that failed.
import assert from 'node:assert/strict';
import test from 'node:test';
import { checkSeesPush } from '../../engine/update/check-push.ts';
import { lab, QUICK_APP } from '../../engine/update/registry-lab.ts';
import { swapctl } from '../../lab/cli.ts';

checkSeesPush({ login: 'htpasswd' });
checkSeesPush({ login: 'token', tls: true });

test('an image that failed is held', async (t) => {
  const { world, registry, env, push, start } = await lab(t);
  await push('1', 'stable');
  const web = await start('web', 'stable');
  const broken = await world.image('app:broken', { ...QUICK_APP, cmd: ['false'] });
  await registry.push(world.docker, broken, 'team/app:stable');
  assert.equal((await swapctl(['check', web], { env })).code, 10);
  assert.equal((await swapctl(['roll', web], { env })).code, 1);
  const held = await swapctl(['check', web, '--json'], { env });
  assert.equal(held.code, 0);
  assert.equal(held.json()[0].outcome, 'held', held.stdout);
});
