// Containers that name another one by its id (volumes_from of compose, links by a short id), while the other is rolled.
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import type { ServiceReport } from '../../../src/core/report/report.ts';
import { openApp, quickly, replicas, retag } from '../../engine/compose-app.ts';
import { composeBinary, composeLabels, composeProject } from '../../lab/compose.ts';
import { isPodman } from '../../lab/engine.ts';
import { testWorld, untilHealthy, type World } from '../../lab/world.ts';

async function appBeside(world: World, PATH?: string) {
  const { app, close } = await openApp({ ...world, env: { ...world.env, ...(PATH && { PATH }) } });
  world.after(async () => close());
  return app;
}

function assertRolled([report]: readonly ServiceReport[]): ServiceReport {
  assert.equal(report?.outcome, 'rolled', JSON.stringify(report, null, 1));
  return report;
}

const mountsOf = async ({ docker }: World, name: string) => {
  const { HostConfig, Mounts, State } = await docker.getContainer(name).inspect();
  const volumes = Mounts.map(({ Name, Destination, RW }) => `${Name} ${Destination} ${RW}`).sort();
  return { from: HostConfig.VolumesFrom, volumes, startedAt: State.StartedAt };
};

for (const version of ['2.26', '2.40'] as const)
  test(`volumes_from of compose ${version} follows the containers that have the volumes`, async (t) => {
    const world = testWorld(t);
    if (await isPodman(world.docker)) return t.skip('compose 2.40 re-creates everything on Podman at each up');
    const [image, newer] = [
      await world.image('data:1', { from: 'httpd' }),
      await world.image('data:2', { from: 'httpd' }),
    ];
    const sides = await world.image('side:1', { from: 'httpd' });
    const labels = composeLabels(world);
    const yaml = `services:
      data: { image: '${image}', labels: ${labels}, volumes: [/data, 'kept:/kept'] }
      side: { image: '${sides}', labels: ${labels}, volumes_from: ['data:ro'] }
volumes: { kept: {} }`;
    const project = composeProject(world, yaml, { version });
    const [data, side] = ['data', 'side'].map((service) => `${project.name}-${service}-1`) as [string, string];
    await project.run('up', '--detach', '--wait');
    const before = await mountsOf(world, side);
    const app = await appBeside(world, path.dirname(composeBinary(version)));
    const request = quickly({ force: true, pull: 'never' });

    for (const one of [newer, image]) {
      await retag(world, one, image);
      const { notes } = assertRolled(await app.roll([`${project.name}/data`], request));
      assert.match(notes?.join() ?? '', new RegExp(`${side} mounts its volumes .*docker compose up -d re-creates it`));
    }
    assert.deepEqual(await mountsOf(world, side), before, 'it keeps running with the same volumes');
    await world.docker.getContainer(side).restart({ t: 1 });

    const [plan] = await app.plan([`${project.name}/side`], request);
    assert.match(plan?.slots[0]?.notes?.join() ?? '', new RegExp(`its volumes come from ${data} `));
    assertRolled(await app.roll([`${project.name}/side`], request));
    const after = await mountsOf(world, side);
    const { Id } = await world.docker.getContainer(data).inspect();
    assert.deepEqual([after.from, after.volumes], [[Id], before.volumes]);

    const all = await replicas(world, project);
    await project.run('up', '--detach');
    assert.deepEqual(await replicas(world, project), all, 'compose finds nothing to do');
  });

test('a container with a link by a short id is re-created to find the successor', async (t) => {
  const world = testWorld(t);
  if (await isPodman(world.docker)) return t.skip('Podman has no links');
  const image = await world.image('db:1', { from: 'httpd' });
  const network = await world.network('net');
  const db = await world.container('db', { image, network });
  const EndpointsConfig = { [network]: { Links: [`${db.id.slice(0, 12)}:store`] } };
  const web = await world.container('web', { image, network, create: { NetworkingConfig: { EndpointsConfig } } });
  await Promise.all([db, web].map(untilHealthy));
  const app = await appBeside(world);
  await retag(world, await world.image('db:2', { from: 'httpd' }), image);
  assertRolled(await app.roll([world.name('db')], quickly()));
  const now = await world.docker.getContainer(world.name('db')).inspect();
  const { NetworkSettings } = await world.docker.getContainer(world.name('web')).inspect();
  assert.deepEqual(NetworkSettings.Networks[network]?.Links, [`${now.Id.slice(0, 12)}:store`]);
});
