// The main job from a user's view: the built program, a real engine, a real registry.
import assert from 'node:assert/strict';
import test from 'node:test';
import { swapctl } from '../../lab/cli.ts';
import { engineFacts } from '../../lab/engine.ts';
import { testWorld, untilHealthy } from '../../lab/world.ts';
import { identity, ownNames, QUICK } from './roll-world.ts';

test('a container is replaced by one of the newer image, under its own name', async (t) => {
  const world = testWorld(t);
  const before = await world.image('app:1', { from: 'httpd' });
  const after = await world.image('app:2', { env: { READY_AFTER_MS: 500 } });
  await untilHealthy(await world.container('web', { image: before, network: await world.network('net') }));
  const old = await identity(world, 'web');

  const plan = await swapctl(['plan', world.name('web'), '--image', after], { env: world.env });
  assert.equal(plan.code, 0);
  assert.match(plan.stdout, /start-first/);
  assert.deepEqual(await identity(world, 'web'), old, 'a plan changes nothing');

  const roll = await swapctl(['roll', world.name('web'), '--image', after, '--json', ...QUICK], { env: world.env });
  assert.equal(roll.code, 0, roll.stderr);
  const report = roll.json();
  assert.equal(report.outcome, 'rolled');
  assert.equal(report.strategy, 'start-first');
  assert.equal(report.from.container, old.id.slice(0, 12));
  assert.notEqual((await identity(world, 'web')).id, old.id);
  assert.deepEqual(await ownNames(world), [world.name('web')], 'nothing else is left');

  // Some engines give local builds a digest, too, so a registry would be asked for it.
  const { digestsOfBuilds } = await engineFacts(world.docker);
  const here = digestsOfBuilds ? ['--pull', 'missing'] : [];
  const again = await swapctl(['roll', world.name('web'), '--json', ...here, ...QUICK], { env: world.env });
  assert.equal(again.json().outcome, 'unchanged');
  const args = ['roll', world.name('web'), '--force', '--json', ...here, ...QUICK];
  const forced = await swapctl(args, { env: world.env });
  assert.equal(forced.json().outcome, 'rolled', 'with --force it is rolled all the same');
});

test('a rollback goes back to the image that ran before, and a roll does not go forward again by itself', async (t) => {
  const world = testWorld(t);
  const before = await world.image('app:1', { from: 'httpd' });
  const after = await world.image('app:2', { from: 'httpd' });
  await untilHealthy(await world.container('web', { image: before, network: await world.network('net') }));
  const first = await identity(world, 'web');
  await swapctl(['roll', world.name('web'), '--image', after, ...QUICK], { env: world.env });

  const back = await swapctl(['rollback', world.name('web'), '--json', ...QUICK], { env: world.env });
  assert.equal(back.code, 0, back.stderr);
  assert.equal(back.json().outcome, 'rolled-back');
  assert.equal((await identity(world, 'web')).imageId, first.imageId);

  const history = (await swapctl(['history', world.name('web'), '--json'], { env: world.env })).json();
  assert.deepEqual(
    history.entries.map((entry: { event: string }) => entry.event),
    ['rolled-back', 'rolled', 'started'],
  );
  const redirectAddress = await swapctl(['roll', world.name('web'), '--image', after, '--json', ...QUICK], {
    env: world.env,
  });
  assert.equal(redirectAddress.code, 1);
  assert.equal(redirectAddress.json().error.code, 'known-bad');
});

test('without a way back, rollback says so and touches nothing', async (t) => {
  const world = testWorld(t);
  await world.container('web', {
    image: await world.image('app:1', { from: 'httpd' }),
    network: await world.network('net'),
  });
  const old = await identity(world, 'web');
  const back = await swapctl(['rollback', world.name('web')], { env: world.env });
  assert.equal(back.code, 1);
  assert.match(back.stdout + back.stderr, /no earlier image/);
  assert.deepEqual(await identity(world, 'web'), old);
});

test('a container with --rm is rolled, and gone containers leave no names behind', async (t) => {
  const world = testWorld(t);
  const before = await world.image('app:1', { from: 'httpd' });
  const after = await world.image('app:2', { from: 'httpd' });
  const network = await world.network('net');
  await untilHealthy(
    await world.container('web', {
      image: before,
      network,
      create: { HostConfig: { AutoRemove: true, NetworkMode: network } },
    }),
  );
  const roll = await swapctl(['roll', world.name('web'), '--image', after, '--json', ...QUICK], { env: world.env });
  assert.equal(roll.json().outcome, 'rolled', roll.stderr);
  assert.equal((await world.docker.getContainer(world.name('web')).inspect()).HostConfig.AutoRemove, true);
  assert.deepEqual(await ownNames(world), [world.name('web')]);
});

test('a stop-first roll whose new container fails brings the old one back', async (t) => {
  const world = testWorld(t);
  const volume = await world.volume('data');
  const create = { HostConfig: { Binds: [`${volume}:/data`], RestartPolicy: { Name: 'always' } } };
  await untilHealthy(await world.container('web', { image: await world.image('app:1', { from: 'httpd' }), create }));
  const old = await identity(world, 'web');
  const bad = await world.image('app:bad', { env: { NEVER_HEALTHY: 1 }, health: { retries: 3 } });
  const roll = await swapctl(['roll', world.name('web'), '--image', bad, '--json'], { env: world.env });
  assert.equal(roll.code, 1);
  assert.equal(roll.json().strategy, 'stop-first');
  assert.ok(roll.json().gap > 0 && roll.json().gap < roll.json().timings.total, roll.stdout);
  const after = await world.docker.getContainer(world.name('web')).inspect();
  assert.equal(after.Id, old.id, 'the same container');
  assert.equal(after.State.Running, true);
  assert.equal(after.HostConfig.RestartPolicy?.Name, 'always', 'with its restart policy');
});

test('Ctrl-C before the switch takes the new container away and leaves the old one alone', async (t) => {
  const world = testWorld(t);
  const slow = await world.image('app:slow', { env: { READY_AFTER_MS: 600_000 }, health: { intervalMs: 30_000 } });
  await untilHealthy(
    await world.container('web', {
      image: await world.image('app:1', { from: 'httpd' }),
      network: await world.network('net'),
    }),
  );
  const old = await identity(world, 'web');
  let interrupted = false;
  const roll = await swapctl(['roll', world.name('web'), '--image', slow, '--json'], {
    env: world.env,
    onStderr: (text, kill) => {
      // A second one would stop it at once.
      if (interrupted || !text.includes('wait until')) return;
      interrupted = true;
      kill('SIGINT');
    },
  });
  assert.equal(roll.code, 1);
  assert.equal(roll.json().error.code, 'interrupted');
  assert.deepEqual(await identity(world, 'web'), old);
  assert.deepEqual(await ownNames(world), [world.name('web')]);
});

test('stopped, paused and unknown containers are refused with the reason', async (t) => {
  const world = testWorld(t);
  const image = await world.image('app:1', { from: 'httpd' });
  await world.container('off', { image, start: false });
  const paused = await world.container('paused', { image });
  await paused.pause();
  t.after(() => paused.unpause().catch(() => {}));
  for (const [name, reason] of [
    ['off', /not running/],
    ['paused', /paused/],
    ['nobody', /there is no service/],
  ] as const) {
    const roll = await swapctl(['roll', world.name(name)], { env: world.env });
    assert.equal(roll.code, 2);
    assert.match(roll.stdout + roll.stderr, reason);
  }
});
