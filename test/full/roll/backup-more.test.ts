// The rest of test/engine/roll/backup.test.ts: no death and no full disk in the middle loses a volume.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import {
  FILL,
  image,
  leftOf,
  look,
  roll,
  SPOIL,
  type Stage,
  stage,
  versionOf,
} from '../../engine/roll/backup-world.ts';
import { startSwapctl, swapctl } from '../../lab/cli.ts';
import { engineUnderTest, isPodman } from '../../lab/engine.ts';
import { faultProxy } from '../../lab/fault-proxy.ts';
import { eventually } from '../../lab/waiting.ts';
import { testWorld } from '../../lab/world.ts';

const AT_ONCE = { concurrency: true };

test('a copy of volumes that does not come to its end', AT_ONCE, async (t) => {
  if (await isPodman(engineUnderTest().docker)) return t.skip('copies are refused on Podman');
  await Promise.all([
    t.test('for which there is no room stops the roll before any harm', fullDisk),
    t.test('killed in the middle of copying', (t) => killed(t, 'copying')),
    t.test('killed while a volume is empty', (t) => killed(t, 'putting back')),
  ]);
});

async function fullDisk(t: TestContext): Promise<void> {
  const world = testWorld(t);
  const at = await stage(t, FILL, world);
  const before = await look(world, at.volume);
  const proxy = await faultProxy(t, world);
  const small = { DriverOpts: { type: 'tmpfs', device: 'tmpfs', o: 'size=1m' } };
  proxy.arm(
    { kind: 'rewrite', fields: small },
    ({ what }) => what === 'POST /volumes/{id}' || what === 'POST /volumes/create',
  );
  const failed = await roll({ ...at, world: { ...world, env: proxy.engine.env } }, await image(world, '2', SPOIL));
  assert.ok(proxy.hit(), 'the disk was full');
  assert.equal(failed.code, 1, failed.stdout + failed.stderr);
  assert.equal(failed.json().error.code, 'backup-failed', failed.stdout);
  assert.match(failed.json().error.message, /no space left/);
  assert.equal(await versionOf(at), '1');
  assert.deepEqual(await look(world, at.volume), before);
  assert.deepEqual(await leftOf(at), { volumes: [], containers: [] });
}

async function killed(t: TestContext, when: 'copying' | 'putting back'): Promise<void> {
  const at = await stage(t, 'cd /data && mkdir d && echo 1 > number');
  const { world, name, volume } = at;
  const before = await look(world, volume);
  const proxy = await faultProxy(t, world);
  const nth = when === 'copying' ? 1 : 2;
  const isPut = ({ what }: { what: string }) => what === 'PUT /containers/{id}/archive';
  proxy.arm({ kind: 'stall' }, (call, calls) => isPut(call) && calls.filter(isPut).length === nth);
  const args = [
    'roll',
    name,
    '--image',
    await image(world, 'bad', 'echo bad > /data/number; exit 3'),
    '--pull',
    'never',
  ];
  const rolling = startSwapctl(args, { env: proxy.engine.env, netns: world.netns });
  await eventually('it is in the middle', async () => proxy.hit());
  rolling.kill('SIGKILL');
  assert.equal((await rolling.result).endedBy, 'SIGKILL');
  proxy.calm();
  if (when === 'putting back') assert.deepEqual((await look(world, volume)).length, 2, 'at the worst moment');

  await recovered(at);
  assert.equal(await versionOf(at), '1');
  assert.deepEqual(await look(world, volume), before);
  const { volumes, containers } = await leftOf(at);
  assert.deepEqual(containers.length, when === 'copying' ? 0 : 1, containers.join());
  assert.equal(volumes.length, containers.length, volumes.join());
}

async function recovered({ world, name }: Stage): Promise<void> {
  const { code, stdout, stderr, json } = await swapctl(['recover', name, '--json'], {
    env: world.env,
    netns: world.netns,
  });
  assert.equal(code, 0, stdout + stderr);
  assert.ok(
    json().some((item: { outcome: string }) => item.outcome === 'undone'),
    stdout + stderr,
  );
}
