// Consecutive actions of swapctl dev: an image that does not start and the one after it; one build for several services.
import assert from 'node:assert/strict';
import test from 'node:test';
import { folderOf } from '../../adapters/build/files.ts';
import { inside, pathWith, program, source, startDev } from '../../engine/dev/dev-world.ts';
import { composeBinary, composeLabels, composeProject } from '../../lab/compose.ts';
import { eventually } from '../../lab/waiting.ts';
import { testWorld, untilHealthy, type World } from '../../lab/world.ts';

const NODE = { health: {}, env: { DRAIN: 1 } };

test('of files that are polled, an image that does not come up changes nothing, and the next is rolled', async (t) => {
  const world = testWorld(t);
  const { folder, put } = await source(t, world);
  const web = world.name('web');
  const before = await world.container('web', { image: await world.image('web:live', { version: '0', ...NODE }) });
  await untilHealthy(before);
  const dev = startDev(world, [web, '--build', folder, '--no-first-build', '--poll', '200ms']);
  await dev.said(/watching/);

  put({ 'main.mjs': `${program('2')}\nthrow new Error('no database');\n` });
  const failed = await dev.said(new RegExp(`^${web}: .*(exited|healthy)`));
  assert.equal(failed.level, 'error');
  assert.match(JSON.stringify(failed), /no database/, "the container's own words are told");
  const now = await world.docker.getContainer(web).inspect();
  assert.deepEqual([now.Id, now.State.Running], [before.id, true]);

  put({ 'main.mjs': program('3') });
  await dev.said(new RegExp(`^${web}: rolled`));
  assert.match(await inside(world, web, 'cat /srv/main.mjs'), /'3'/);
  dev.kill('SIGINT');
  assert.equal((await dev.end).code, 0);
});

test('services of the same build are built once, and what is to be synced at the beginning is', async (t) => {
  const world = testWorld(t);
  const { folder, put } = await source(t, world);
  const assets = folderOf(t, { 'a.txt': 'mounted by nobody' });
  const service = `
    build: { context: ${folder}, labels: ${composeLabels(world)} }
    image: ${world.name('web')}:dev
    labels: ${JSON.stringify(world.labels)}
    stop_grace_period: 2s`;
  const project = composeProject(
    world,
    `
services:
  web: ${service}
    develop:
      watch:
        - { action: sync, path: ${assets}, target: /srv/assets, initial_sync: true }
        - { action: rebuild, path: ${folder}/main.mjs }
  worker: ${service}
`,
  );
  await world.image('web:dev', { version: '0', ...NODE });
  await project.run('up', '--detach', '--no-build');
  const [web, worker] = ['web', 'worker'].map((name) => `${project.name}/${name}`);
  const dev = startDev(world, [`${web}`, `${worker}`], pathWith(composeBinary('2.40')));
  const bothRun = (version: string) =>
    eventually(`both run ${version}`, async () =>
      (await versions(world, project.name)).every((one) => one === version),
    );

  await bothRun('1');
  assert.equal(dev.built(), 1, 'one build for both');
  await eventually('it is synced', async () => {
    return (await inside(world, `${project.name}-web-1`, 'cat /srv/assets/a.txt')) === 'mounted by nobody';
  });
  put({ 'main.mjs': program('2') });
  await bothRun('2');
  assert.equal(dev.built(), 2, 'one more for both');
  dev.kill('SIGINT');
  assert.equal((await dev.end).code, 0);
});

async function versions(world: World, project: string): Promise<(string | undefined)[]> {
  const programs = ['web', 'worker'].map((name) => inside(world, `${project}-${name}-1`, 'cat /srv/main.mjs'));
  return (await Promise.allSettled(programs)).map((one) =>
    one.status === 'fulfilled' ? /VERSION = '(\w+)'/.exec(one.value)?.[1] : undefined,
  );
}
