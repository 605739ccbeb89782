// depends_on with `restart: true`: a roll restarts the same dependents as an up of compose that re-creates the dependency.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { openApp, quickly, type Replica, replicas, retag } from '../../engine/compose-app.ts';
import { composeLabels, composeProject } from '../../lab/compose.ts';
import { testWorld, type World } from '../../lab/world.ts';

async function startedAt(world: World, { id }: Replica): Promise<string> {
  return (await world.docker.getContainer(id).inspect()).State.StartedAt;
}

test('a roll restarts what compose restarts, and up finds nothing to do', async (t) => {
  const world = testWorld(t);
  const image = await world.image('db:1', { from: 'httpd' });
  const plain = `image: '${await world.image('app:1', { from: 'httpd' })}', labels: ${composeLabels(world)}`;
  const on = (service: string, restart: boolean) =>
    `depends_on: { ${service}: { condition: service_started, restart: ${restart} } }`;
  const project = composeProject(
    world,
    `services:
      db: { image: '${image}', labels: ${composeLabels(world)} }
      api: { ${plain}, ${on('db', true)} }
      mail: { ${plain}, ${on('db', false)} }
      front: { ${plain}, ${on('api', true)} }`,
  );
  await project.run('up', '--detach', '--wait');
  const before = await replicas(world, project);
  const started = await Promise.all(before.map((one) => startedAt(world, one)));
  const restartedSince = async (): Promise<string[]> => {
    const now = await Promise.all((await replicas(world, project)).map((one) => startedAt(world, one)));
    return before.flatMap(({ service }, at) => (now[at] === started[at] ? [] : [service]));
  };
  const { app, close } = await openApp(world);
  world.after(async () => close());
  await retag(world, await world.image('db:2', { from: 'httpd' }), image);

  const [plan] = await app.plan([`${project.name}/db`], quickly());
  assert.deepEqual(plan?.after, [`restart ${project.name}-api-1 (depends_on: db, restart: true)`]);
  const [report] = await app.roll([`${project.name}/db`], quickly());
  assert.equal(report?.outcome, 'rolled', JSON.stringify(report));
  assert.deepEqual(
    report?.restarted?.map(({ container, error }) => [container, error]),
    [[`${project.name}-api-1`, undefined]],
  );
  assert.deepEqual((await restartedSince()).sort(), ['api', 'db']);
  const after = await replicas(world, project);
  const same = ({ service }: Replica): boolean => service !== 'db';
  assert.deepEqual(after.filter(same), before.filter(same), 'only db was replaced');
  await project.run('up', '--detach');
  assert.deepEqual(await replicas(world, project), after);
});

test('a dependent that could not start again is left running, and the report says why', async (t) => {
  const world = testWorld(t);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-host-'));
  world.after(async () => rmSync(folder, { recursive: true }));
  mkdirSync(path.join(folder, 'data'));
  const image = await world.image('db:1', { from: 'httpd' });
  const labels = `labels: ${composeLabels(world)}`;
  const api = `image: '${await world.image('app:1', { from: 'httpd' })}', volumes: ['${folder}/data:/srv/data']`;
  const project = composeProject(
    world,
    `services:
      db: { image: '${image}', ${labels} }
      api: { ${api}, ${labels}, depends_on: { db: { condition: service_started, restart: true } } }`,
  );
  await project.run('up', '--detach', '--wait');
  const [before] = (await replicas(world, project)).filter(({ service }) => service === 'api');
  const { app, close } = await openApp(world);
  world.after(async () => close());
  await retag(world, await world.image('db:2', { from: 'httpd' }), image);
  rmSync(path.join(folder, 'data'), { recursive: true });

  const [report] = await app.roll([`${project.name}/db`], quickly());
  assert.equal(report?.outcome, 'rolled', JSON.stringify(report));
  assert.match(report.restarted?.[0]?.error ?? '', /could not start again.*data/);
  assert.equal(report.attention?.length, 1);
  const [after] = (await replicas(world, project)).filter(({ service }) => service === 'api');
  assert.deepEqual(after, before);
  assert.ok(before && (await world.docker.getContainer(before.id).inspect()).State.Running);
});
