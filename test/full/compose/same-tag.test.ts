// Two services of one tag, of which one is rolled: the plan and the report name the effect of compose's up on the other.
import assert from 'node:assert/strict';
import test from 'node:test';
import { openApp, quickly, replicas, retag } from '../../engine/compose-app.ts';
import { composeLabels, composeProject } from '../../lab/compose.ts';
import { testWorld } from '../../lab/world.ts';

test('a roll says that an up re-creates the other service of the tag, and an up does', async (t) => {
  const world = testWorld(t);
  const image = await world.image('app:live', { from: 'httpd' });
  const plain = `image: '${image}', labels: ${composeLabels(world)}`;
  const project = composeProject(
    world,
    `services:
      server: { ${plain} }
      worker: { ${plain} }
      other: { image: '${await world.image('other:1', { from: 'httpd' })}', labels: ${composeLabels(world)} }`,
  );
  await project.run('up', '--detach', '--wait');
  const { app, close } = await openApp(world);
  world.after(async () => close());
  await retag(world, await world.image('app:2', { from: 'httpd' }), image);
  const said = [`${project.name}-worker-1 was created from ${image}: docker compose up -d would re-create it`];
  const begins = (lines: readonly string[] | undefined) =>
    (lines ?? []).map((line, at) => line.slice(0, said[at]?.length));

  const server = `${project.name}/server`;
  const [plan] = await app.plan([server], quickly());
  assert.deepEqual(begins(plan?.sameTag), said);
  const [rolled] = await app.roll([server], quickly());
  assert.equal(rolled?.outcome, 'rolled', JSON.stringify(rolled));
  assert.deepEqual(begins(rolled.sameTag), said);
  const [worker] = await app.roll([`${project.name}/worker`], quickly());
  assert.equal(worker?.outcome, 'rolled', JSON.stringify(worker));
  assert.equal(worker.sameTag, undefined, 'all run what the tag means');

  const back = await app.rollback(server, quickly());
  assert.equal(back.outcome, 'rolled-back', JSON.stringify(back));
  assert.deepEqual(begins(back.sameTag), said);
  const before = await replicas(world, project);
  await project.run('up', '--detach');
  const after = await replicas(world, project);
  const changed = after.filter(({ id }) => !before.some((one) => one.id === id)).map(({ service }) => service);
  assert.deepEqual(changed, ['worker'], 'compose does what was said');
});

test('services of the tag that one command rolls go back together if one of them refuses the image', async (t) => {
  const world = testWorld(t);
  const image = await world.image('app:live', { from: 'httpd' });
  const plain = `image: '${image}', labels: ${composeLabels(world)}`;
  const check = `{ test: ['CMD', 'sh', '-c', 'test "$$VERSION" != 2'], interval: 500ms, retries: 2 }`;
  const project = composeProject(
    world,
    `services:
      server: { ${plain} }
      worker: { ${plain}, depends_on: [server], healthcheck: ${check} }`,
  );
  await project.run('up', '--detach', '--wait');
  const { app, close } = await openApp(world);
  world.after(async () => close());
  await retag(world, await world.image('app:2', { from: 'httpd' }), image);

  const reports = await app.roll([`${project.name}/server`, `${project.name}/worker`], quickly());
  assert.deepEqual(
    reports.map(({ outcome, error }) => [outcome, error?.code]),
    [
      ['rolled-back', undefined],
      ['failed', 'not-healthy'],
    ],
    JSON.stringify(reports),
  );
  const before = await replicas(world, project);
  assert.deepEqual(
    before.map(({ version }) => version),
    ['live', 'live'],
  );
});
