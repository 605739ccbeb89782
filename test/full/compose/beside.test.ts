// Actions of compose for a service beside the create call: done, or named.
import assert from 'node:assert/strict';
import test from 'node:test';
import { openApp, quickly, replicas, retag } from '../../engine/compose-app.ts';
import { composeLabels, composeProject } from '../../lab/compose.ts';
import { isPodman } from '../../lab/engine.ts';
import { testWorld } from '../../lab/world.ts';

test('a roll copies the logins of use_api_socket, runs a one-shot first, and hooks around it', async (t) => {
  const world = testWorld(t);
  if (await isPodman(world.docker)) return t.skip('compose binds the socket of Docker');
  const image = await world.image('web:1', { from: 'httpd' });
  const project = composeProject(
    world,
    `services:
      migrate: { image: '${image}', labels: ${composeLabels(world)}, command: ['sh', '-c', 'echo migrated with $$VERSION'], restart: 'no', healthcheck: { disable: true } }
      web:
        image: '${image}'
        labels: ${composeLabels(world)}
        use_api_socket: true
        post_start: [{ command: ['sh', '-c', 'echo one >/tmp/hook'] }]
        depends_on: { migrate: { condition: service_completed_successfully } }`,
  );
  await project.run('up', '--detach');
  const { app, ports, close } = await openApp(world);
  world.after(async () => close());
  const web = async () => {
    const [found] = await replicas(world, project, 'web');
    return found ?? assert.fail('there is no web');
  };
  const before = await web();
  const logins = '/run/secrets/docker/config.json';
  assert.ok(await ports.engine.hasPath(before.id, logins), 'compose copied them');
  assert.ok(await ports.engine.hasPath(before.id, '/tmp/hook'), 'compose ran the hook');
  await retag(world, await world.image('web:2', { from: 'httpd' }), image);

  const [plan] = await app.plan([`${project.name}/web`], quickly());
  const [report] = await app.roll([`${project.name}/web`], quickly());
  assert.equal(report?.outcome, 'rolled', JSON.stringify(report));
  assert.deepEqual([plan?.notDone, report.notDone], [undefined, undefined]);
  const migrate = `${project.name}-migrate-1`;
  assert.match(plan?.before?.join() ?? '', new RegExp(`^run ${migrate} with the new image to its end`));
  assert.match(report.notes?.join() ?? '', new RegExp(`${migrate} was run to its end with the new image`));
  assert.deepEqual(await ports.engine.logs(migrate, 5), ['migrated with 2']);
  const after = await web();
  assert.equal(after.version, '2');
  assert.ok(await ports.engine.hasPath(after.id, logins), 'the next container has them too');
  assert.ok(await ports.engine.hasPath(after.id, '/tmp/hook'), 'its hook was run');
  const shot = await ports.engine.container(migrate);
  await project.run('up', '--detach', '--no-start');
  assert.equal((await ports.engine.container(migrate))?.id, shot?.id, 'compose creates none of them again');
  assert.equal((await web()).id, after.id);
  const { HostConfig } = await world.docker.getContainer(after.id).inspect();
  assert.match(JSON.stringify([HostConfig.Binds, HostConfig.Mounts]), /\/var\/run\/docker\.sock/);
});
