// Compose and swapctl on the same containers: what one does, the other must leave alone.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import type { ServiceReport } from '../../src/core/report.ts';
import { type ComposeProject, composeLabels, composeProject } from '../lab/compose.ts';
import { startRegistry } from '../lab/registry.ts';
import { testWorld, type World } from '../lab/world.ts';
import { containerNames, openApp, publish, quickly, type Replica, replicas, retag } from './compose-app.ts';

const COMPOSES = ['2.26', '2.40'] as const;

async function appOf(world: World) {
  const { app, close } = await openApp(world);
  world.after(async () => close());
  return app;
}

function assertDone(report: ServiceReport | undefined): void {
  assert.match(report?.outcome ?? '', /^rolled/, JSON.stringify(report, null, 1));
}

/** `up -d` finds all as it should be: the same containers before and after. */
async function assertUpChangesNothing(world: World, project: ComposeProject): Promise<void> {
  const before = await replicas(world, project);
  await project.run('up', '--detach');
  assert.deepEqual(await replicas(world, project), before);
}

const placesOf = (all: Replica[]) => all.map(({ name, number }) => `${name} #${number}`);
const versionsOf = (all: Replica[]) => all.map(({ version }) => version).join();
// ---- on both composes

for (const version of COMPOSES) {
  test(`compose ${version} sees nothing to do after rolls, a rollback and a failed roll`, async (t) => {
    const world = testWorld(t);
    const registry = await startRegistry({ address: world.hostAddress });
    world.after(() => registry.stop());
    const reference = `${registry.host}/${world.prefix}/web:stable`;
    const push = async (tag: string, env = {}) =>
      publish(world, registry, await world.image(`web:${tag}`, { env }), `${world.prefix}/web:stable`);
    await push('1');
    const labels = composeLabels(world);
    const other = `{ image: '${await world.image('other:1', { from: 'base' })}', labels: ${labels} }`;
    const web = `{ image: '${reference}', labels: ${labels}, scale: 2, depends_on: [other] }`;
    const project = composeProject(world, `services: { web: ${web}, other: ${other} }`, { version });
    await project.run('up', '--detach', '--wait');
    const first = await replicas(world, project);
    assert.equal(first.length, 3);
    await assertUpChangesNothing(world, project);
    const app = await appOf(world);
    const now = async (expected: string) => {
      const all = await replicas(world, project);
      assert.deepEqual(placesOf(all), placesOf(first));
      assert.equal(versionsOf(all.filter(({ service }) => service === 'web')), expected);
      await assertUpChangesNothing(world, project);
    };

    await push('2');
    assertDone((await app.roll(['web'], quickly()))[0]);
    await now('2,2');

    await push('3');
    assertDone((await app.roll(['web'], quickly()))[0]);
    await now('3,3');

    assertDone(await app.rollback('web', quickly()));
    await now('2,2');

    await push('4', { EXIT_AFTER_MS: 100 });
    const [failed] = await app.roll(['web'], quickly());
    assert.equal(failed?.error?.code, 'not-healthy', JSON.stringify(failed));
    await now('2,2');

    await project.run('down', '--timeout', '1');
    const left = await containerNames(world);
    assert.ok(left.length > 0 && left.every((name) => /\.swapctl-failed-/.test(name)), left.join());
    assert.ok(!JSON.stringify(await world.docker.listNetworks()).includes(project.name));
    const removed = await app.recover(new AbortController().signal);
    assert.ok(removed.some(({ service }) => service === `${project.name}/web`));
    assert.deepEqual(await containerNames(world), []);
  });
}

for (const version of COMPOSES) {
  test(`compose ${version} leaves a rolled container_name alone, and re-creates at most those in its network`, async (t) => {
    const world = testWorld(t);
    const [image, newer] = [await world.image('web:1'), await world.image('web:2')];
    const labels = composeLabels(world);
    const web = `{ image: '${image}', labels: ${labels}, container_name: ${world.name('the-web')} }`;
    const mate = `{ image: '${image}', labels: ${labels}, network_mode: 'service:web', environment: { PORT: 8081 } }`;
    const project = composeProject(world, `services: { web: ${web}, mate: ${mate} }`, { version });
    await project.run('up', '--detach', '--wait');
    const before = await replicas(world, project);
    const app = await appOf(world);

    await retag(world, newer, image);
    assertDone((await app.roll(['web'], quickly()))[0]);
    const after = await replicas(world, project);
    assert.deepEqual(placesOf(after), placesOf(before));
    assert.deepEqual(versionsOf(after), '1,2', 'the one in its network is re-created as it was');
    const [mateNow, webNow] = after;
    const { HostConfig, State } = await world.docker.getContainer(mateNow?.id ?? '').inspect();
    assert.deepEqual([HostConfig.NetworkMode, State.Running], [`container:${webNow?.id}`, true]);
    const tagged = await world.docker.getImage(image).inspect();
    assert.equal(tagged.Id, webNow?.image, 'the tag stays where the user pointed it');

    // The mate is of an older image than its tag; and compose hashes the id of the container in whose network one lives.
    await project.run('up', '--detach');
    const [, webThen] = await replicas(world, project);
    assert.deepEqual(webThen, webNow);
    await assertUpChangesNothing(world, project);
  });

  test(`compose ${version} leaves a rolled service that it built itself alone`, async (t) => {
    const world = testWorld(t);
    const base = await world.image('base:1');
    const labels = composeLabels(world);
    const web = `{ build: '.', image: '${world.name('built:dev')}', labels: ${labels} }`;
    const project = composeProject(world, `services: { web: ${web} }`, { version });
    const build = async (number: number) => {
      const dockerfile = `FROM ${base}\nENV VERSION=${number}\n`;
      writeFileSync(path.join(project.folder, 'Dockerfile'), dockerfile);
      await project.run('build');
    };
    await build(1);
    await project.run('up', '--detach', '--wait');
    const before = await replicas(world, project);
    const app = await appOf(world);

    await build(2);
    assertDone((await app.roll(['web'], quickly()))[0]);
    const after = await replicas(world, project);
    assert.deepEqual([placesOf(after), versionsOf(after)], [placesOf(before), '2']);
    await assertUpChangesNothing(world, project);
  });
}
