// A container's volumes are backed up before a new image can change them, and restored when the roll fails.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { swapctl } from '../../lab/cli.ts';
import { engineUnderTest, isPodman } from '../../lab/engine.ts';
import { image, leftOf, look, roll, run, SPOIL, stage, versionOf } from './backup-world.ts';

const AT_ONCE = { concurrency: true };

test('volume backups', AT_ONCE, async (t) => {
  if (await isPodman(engineUnderTest().docker)) return void (await t.test('are refused on Podman', refusedOnPodman));
  await Promise.all([
    t.test('a good roll keeps one, and a rollback can go back to it', goodRoll),
    t.test('a failed roll puts the volume back as it was, to the last bit', failedRoll),
    t.test('what can not be copied is refused before anything is touched', refusals),
  ]);
});

async function goodRoll(t: TestContext): Promise<void> {
  const at = await stage(t);
  const { world, name, volume } = at;
  const before = await look(world, volume);
  const plan = await swapctl(['plan', name, '--image', await image(world, '2', 'echo 2 > /data/number')], {
    env: world.env,
  });
  assert.match(plan.stdout, /back up the volume .*-data/);
  const first = await roll(at, world.name('db:2'));
  assert.equal(first.code, 0, first.stdout + first.stderr);
  const { backup, timings } = first.json();
  const [kept] = backup.volumes;
  assert.equal(backup.restored, false);
  assert.ok(kept.bytes > 24_000_000 && timings.backup > 0, first.stdout);
  assert.deepEqual(await look(world, kept.copy), before);
  assert.match(await run(world, 'cat /data/number', volume), /2/);

  const second = await roll(at, await image(world, '3', 'echo 3 > /data/number'));
  assert.equal(second.code, 0, second.stdout + second.stderr);
  const left = await leftOf(at);
  assert.deepEqual(left.volumes, [second.json().backup.volumes[0].copy], 'the older copy is gone');
  const told = await swapctl(['history', name], { env: world.env });
  assert.match(told.stdout, /volume backups[\s\S]*24\.\d MB/);

  const back = await swapctl(['rollback', name, '--with-volumes', '--json'], { env: world.env });
  assert.equal(back.code, 0, back.stdout + back.stderr);
  assert.equal(back.json().backup.restored, true);
  assert.equal(await versionOf(at), '2');
  assert.match(await run(world, 'cat /data/number', volume), /2/, 'version 2 wrote it, and its second start');
  const none = await swapctl(['rollback', name, '--with-volumes', '--image', world.name('db:1')], { env: world.env });
  assert.match(none.stdout + none.stderr, /no volume backup of/);
}

async function failedRoll(t: TestContext): Promise<void> {
  const at = await stage(t);
  const { world, volume } = at;
  const before = await look(world, volume);
  const failed = await roll(at, await image(world, 'bad', `${SPOIL}; exit 3`));
  assert.equal(failed.code, 1, failed.stdout + failed.stderr);
  const { error, backup, timings } = failed.json();
  assert.equal(error.code, 'not-healthy');
  assert.equal(backup.restored, true);
  assert.ok(timings.restore > 0);
  assert.equal(await versionOf(at), '1');
  assert.deepEqual(await look(world, volume), before);
  assert.deepEqual((await leftOf(at)).volumes, [backup.volumes[0].copy], 'where the copy is, is told');
}

// Its archives name the container's own user as the owner of every file.
async function refusedOnPodman(t: TestContext): Promise<void> {
  const at = await stage(t, 'true');
  const refused = await roll(at, await image(at.world, '2', 'true'));
  assert.equal(refused.code, 2, refused.stdout + refused.stderr);
  assert.match(refused.stdout, /does not report the owners of files/);
  assert.equal(await versionOf(at), '1');
  assert.deepEqual(await leftOf(at), { volumes: [], containers: [] });
}

async function refusals(t: TestContext): Promise<void> {
  const at = await stage(t, 'true');
  const { world, volume } = at;
  const next = await image(world, '2', 'true');
  const unknown = await roll(at, next, '--strategy', 'start-first');
  assert.equal(unknown.code, 2, unknown.stdout + unknown.stderr);
  assert.match(unknown.stdout, /are backed up first/);
  const create = { HostConfig: { Binds: [`${volume}:/elsewhere`] } };
  await world.container('other', { image: world.name('db:1'), create });
  const shared = await roll(at, next);
  assert.equal(shared.code, 2, shared.stdout + shared.stderr);
  assert.match(shared.stdout, /other writes to the volume/);
  assert.equal(await versionOf(at), '1');
  assert.deepEqual(await leftOf(at), { volumes: [], containers: [] });
}
