// swapctl dev on a real engine: saved files are synced or built, and serve.
import assert from 'node:assert/strict';
import { chmodSync, rmSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { composeBinary, composeLabels, composeProject } from '../../lab/compose.ts';
import { eventually } from '../../lab/waiting.ts';
import { testWorld, type World } from '../../lab/world.ts';
import { inside, pathWith, program, source, startDev } from './dev-world.ts';

const id = async (world: World, name: string) => (await world.docker.getContainer(name).inspect()).Id;

test("compose's rules and those of the label, each on a real container", async (t) => {
  const world = testWorld(t);
  const { folder, put } = await source(t, world, {
    'src/a.txt': '1',
    'src/gone.txt': '1',
    'conf/a.conf': '1',
    'gen/in': '1',
    'hup/a': '1',
    'usr2/a': '1',
    flag: '1',
    '.dockerignore': '**/*.log\n',
  });
  const labels = {
    ...world.labels,
    'swapctl.dev.watch': `sync+signal ${folder}/hup /srv/hup signal=HUP; sync+signal ${folder}/usr2 /srv/usr2 signal=USR2`,
  };
  const project = composeProject(
    world,
    `
services:
  web:
    build: { context: ${folder}, labels: ${composeLabels(world)} }
    image: ${world.name('web')}:dev
    labels: ${JSON.stringify(labels)}
    stop_grace_period: 2s
    develop:
      watch:
        - { action: sync, path: ${folder}/src, target: /srv/src }
        - { action: sync+restart, path: ${folder}/conf, target: /srv/conf }
        - { action: sync+exec, path: ${folder}/gen, target: /srv/gen, exec: { command: [sh, -c, 'cat /srv/gen/in > /srv/out'] } }
        - { action: restart, path: ${folder}/flag }
        - { action: rebuild, path: ${folder}/main.mjs }
`,
  );
  await world.image('web:dev', { version: '0' });
  await project.run('up', '--detach', '--no-build');
  const web = `${project.name}-web-1`;
  const dev = startDev(world, [`${project.name}/web`], pathWith(composeBinary('2.40')));
  await dev.said(/rolled/);
  assert.match(await inside(world, web, 'cat /srv/main.mjs'), /'1'/);
  let current = await id(world, web);

  await t.test('sync copies, with modes, and deletes; the container is the same', async () => {
    put({ 'src/a.txt': '2', 'src/new/b.sh': 'echo b', 'src/x.log': 'no' });
    chmodSync(path.join(folder, 'src/new/b.sh'), 0o755);
    rmSync(path.join(folder, 'src/gone.txt'));
    const there = 'cat /srv/src/a.txt; ls -l /srv/src/new/b.sh; ls /srv/src';
    const listed = await eventually('all is synced', async () => {
      const said = await inside(world, web, there);
      return /^2/.test(said) && said.includes('-rwxr-xr-x') && !said.includes('gone.txt') && said;
    });
    assert.ok(!listed.includes('x.log'), listed);
    assert.equal(await id(world, web), current);
  });

  await t.test('sync+exec runs the command after it', async () => {
    put({ 'gen/in': 'new' });
    await eventually('the command ran', async () => (await inside(world, web, 'cat /srv/out')) === 'new');
    assert.equal(await id(world, web), current);
  });

  await t.test('sync+signal lets the app reload itself', async () => {
    put({ 'hup/a': '2' });
    await dev.said(/lives on after SIGHUP/);
    assert.equal(await inside(world, web, 'cat /tmp/reloaded /srv/hup/a'), 'yes2');
    assert.equal(await id(world, web), current);
  });

  await t.test(
    'restart, where a new container would lose what was written, restarts the container and says so',
    async () => {
      const from = dev.lines().length;
      put({ flag: '2' });
      await dev.said(/restarted in its place.*\/srv\/out/, from);
      await dev.said(/rolled restart/, from);
      assert.equal(await id(world, web), current);
      await inside(world, web, 'rm /srv/out');
    },
  );

  await t.test('sync+restart starts anew without a gap, with all that was synced', async () => {
    const from = dev.lines().length;
    put({ 'conf/a.conf': '2' });
    await dev.said(/rolled start-first/, from);
    assert.notEqual(await id(world, web), current);
    assert.equal(await inside(world, web, 'cat /srv/conf/a.conf /srv/src/a.txt'), '22');
    current = await id(world, web);
  });

  await t.test('an app that does not survive the signal is rebuilt and rolled', async () => {
    const from = dev.lines().length;
    put({ 'usr2/a': '2' });
    await dev.said(/did not survive SIGUSR2/, from);
    await dev.said(/rolled/, from);
    assert.notEqual(await id(world, web), current);
    assert.equal(await inside(world, web, 'cat /srv/usr2/a'), '2');
  });

  await t.test('rebuild; what is synced meanwhile is in the new container, too', async () => {
    const from = dev.lines().length;
    put({ 'main.mjs': program('2') });
    await dev.said(/changed: build/, from);
    put({ 'src/a.txt': 'meanwhile' });
    await dev.said(/rolled/, from);
    await eventually('it is synced', async () => (await inside(world, web, 'cat /srv/src/a.txt')) === 'meanwhile');
    assert.match(await inside(world, web, 'cat /srv/main.mjs'), /'2'/);
    await project.run('up', '--detach', '--no-build');
    assert.match(await inside(world, web, 'cat /srv/main.mjs'), /'2'/, 'compose sees nothing to do');
  });

  dev.kill('SIGINT');
  assert.equal((await dev.end).code, 0);
});
