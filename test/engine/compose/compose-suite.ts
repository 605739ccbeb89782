// Compose and swapctl on the same containers: each must leave the other's work alone.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import type { ServiceReport } from '../../../src/core/report/report.ts';
import {
  type ComposeProject,
  type ComposeVersion,
  composeBinary,
  composeLabels,
  composeProject,
} from '../../lab/compose.ts';
import { isPodman } from '../../lab/engine.ts';
import type { AppImageOptions } from '../../lab/images.ts';
import { startRegistry } from '../../lab/registry.ts';
import { testWorld, type World } from '../../lab/world.ts';
import {
  containerNames,
  failureVolumes,
  openApp,
  publish,
  quickly,
  type Replica,
  replicas,
  retag,
} from '../compose-app.ts';
import { trusting } from '../update/registry-lab.ts';

async function appOf(world: World) {
  const { app, close } = await openApp(world);
  world.after(async () => close());
  return app;
}

/** The same, on a machine with that compose and no other. */
async function appBeside(world: World, compose: ComposeVersion) {
  const { app, close } = await openApp({ ...world, env: { ...world.env, PATH: path.dirname(composeBinary(compose)) } });
  world.after(async () => close());
  return app;
}

function assertDone(report: ServiceReport | undefined): void {
  assert.match(report?.outcome ?? '', /^rolled/, JSON.stringify(report, null, 1));
}

/** `up -d` changes nothing: the same containers before and after. */
async function assertUpChangesNothing(world: World, project: ComposeProject): Promise<void> {
  const before = await replicas(world, project);
  await project.run('up', '--detach');
  assert.deepEqual(await replicas(world, project), before);
}

const placesOf = (all: Replica[]) => all.map(({ name, number }) => `${name} #${number}`);
const versionsOf = (all: Replica[]) => all.map(({ version }) => version).join();
/** What a shell command inside a container says. */
async function inside(world: World, id: string, command: string): Promise<string> {
  const exec = await world.docker.getContainer(id).exec({ Cmd: ['sh', '-c', command], AttachStdout: true, Tty: true });
  let text = '';
  for await (const chunk of await exec.start({ Tty: true })) text += chunk;
  return text;
}

const ALWAYS_ANEW = 'on Podman every up of compose 2.40 re-creates every container, whether or not swapctl was there';

async function alwaysAnew({ docker }: World, version: ComposeVersion): Promise<boolean> {
  return version === '2.40' && (await isPodman(docker));
}

/** Defines the test of everything that compose could see of swapctl. */
export function composeSeesNothing(version: ComposeVersion): void {
  test(`compose ${version} sees nothing to do after a roll, a rollback and a failed roll`, async (t) => {
    const world = testWorld(t);
    if (await alwaysAnew(world, version)) return t.skip(ALWAYS_ANEW);
    const registry = await startRegistry({ address: world.hostAddress });
    world.after(() => registry.stop());
    await trusting(world, registry);
    const reference = `${registry.host}/${world.prefix}/web:stable`;
    const push = async (tag: string, options: AppImageOptions = { from: 'httpd' }) =>
      publish(world, registry, await world.image(`web:${tag}`, options), `${world.prefix}/web:stable`);
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
    assertDone((await app.roll([`${project.name}/web`], quickly()))[0]);
    await now('2,2');

    assertDone(await app.rollback(`${project.name}/web`, quickly()));
    await now('1,1');

    await push('3', { env: { EXIT_AFTER_MS: 100 } });
    const [failed] = await app.roll([`${project.name}/web`], quickly());
    assert.equal(failed?.error?.code, 'not-healthy', JSON.stringify(failed));
    await now('1,1');
    // Asked while the service exists: once it is gone, a recovery of another test may remove it.
    assert.equal((await failureVolumes(world)).length, 3, 'the failure, and the image that both replicas left');

    await project.run('down', '--timeout', '1');
    assert.deepEqual(await containerNames(world), []);
    assert.ok(!JSON.stringify(await world.docker.listNetworks()).includes(project.name));
    await app.recover([`${project.name}/web`], new AbortController().signal);
    assert.deepEqual(await failureVolumes(world), []);
  });
}

/** Defines the tests of compose's additions to containers. */
export function composeKeepsContainers(version: ComposeVersion): void {
  test(`compose ${version} leaves a rolled container_name alone, and what lives in its network`, async (t) => {
    const world = testWorld(t);
    if (await alwaysAnew(world, version)) return t.skip(ALWAYS_ANEW);
    const [image, newer] = [
      await world.image('web:1', { from: 'httpd' }),
      await world.image('web:2', { from: 'httpd' }),
    ];
    const mates = await world.image('mate:1', { from: 'httpd' });
    const labels = composeLabels(world);
    const web = `{ image: '${image}', labels: ${labels}, container_name: ${world.name('the-web')} }`;
    const mate = `
      image: '${mates}'
      labels: ${labels}
      network_mode: 'service:web'
      pid: 'service:web'
      depends_on: [web]
      deploy: { replicas: 1, resources: { limits: { cpus: '0.5' } } }
      profiles: [all]
      environment: { PORT: 8081, TEXT: '<a & b>' }`;
    const project = composeProject(world, `services:\n  web: ${web}\n  mate:${mate}`, { version });
    // Podman removes no container with others in its namespaces, so all of them have to go at once.
    world.after(() => project.run('--profile', 'all', 'down', '--timeout', '1'));
    const up = ['--profile', 'all', 'up', '--detach'];
    await project.run(...up, '--wait');
    const before = await replicas(world, project);
    const app = await appBeside(world, version);

    await retag(world, newer, image);
    assertDone((await app.roll([`${project.name}/web`], quickly()))[0]);
    const after = await replicas(world, project);
    assert.deepEqual(placesOf(after), placesOf(before));
    assert.deepEqual(versionsOf(after), '1,2', 'the one in its network is re-created as it was');
    const [mateNow, webNow] = after;
    const { HostConfig, State } = await world.docker.getContainer(mateNow?.id ?? '').inspect();
    const slotName = `container:${webNow?.id}`;
    assert.deepEqual([HostConfig.NetworkMode, HostConfig.PidMode, State.Running], [slotName, slotName, true]);
    const tagged = await world.docker.getImage(image).inspect();
    assert.equal(tagged.Id, webNow?.image, 'the tag stays where the user pointed it');
    await project.run(...up);
    assert.deepEqual(await replicas(world, project), after);
  });

  test(`compose ${version} gave a container files of its own, and the next one has them`, async (t) => {
    const world = testWorld(t);
    if (await alwaysAnew(world, version)) return t.skip(ALWAYS_ANEW);
    const image = await world.image('web:1', { from: 'httpd' });
    const yaml = `
      configs:
        short: { content: "one\\n" }
        long: { content: "two\\n" }
      secrets:
        token: { environment: COMPOSE_TEST_TOKEN }
      services:
        web:
          image: '${image}'
          labels: ${composeLabels(world)}
          configs: [short, { source: long, target: /etc/app/long.conf, mode: 0440, uid: '1000' }]
          secrets: [token]`;
    world.env.COMPOSE_TEST_TOKEN = 'hush';
    const project = composeProject(world, yaml, { version });
    await project.run('up', '--detach', '--wait');
    const [before] = await replicas(world, project);
    const files = ['/short', '/etc/app/long.conf', '/run/secrets/token'];
    const look = (id = '') => inside(world, id, `stat -c '%n %a %u:%g' ${files.join(' ')}; cat ${files.join(' ')}`);
    const looked = await look(before?.id);
    assert.match(looked, /one\s+two\s+hush/);
    const app = await appOf(world);

    for (const number of [2, 3]) {
      await retag(world, await world.image(`web:${number}`, { from: 'httpd' }), image);
      assertDone((await app.roll([`${project.name}/web`], quickly()))[0]);
      const [after] = await replicas(world, project);
      assert.equal(after?.version, String(number));
      assert.equal(await look(after?.id), looked);
      await assertUpChangesNothing(world, project);
    }
  });
}

/** Defines the test of a service that compose builds itself. */
export function composeBuilds(version: ComposeVersion): void {
  test(`compose ${version} leaves a rolled service that it built itself alone`, async (t) => {
    const world = testWorld(t);
    if (await alwaysAnew(world, version)) return t.skip(ALWAYS_ANEW);
    if (await isPodman(world.docker)) return t.skip('compose builds there by an image that would have to be pulled');
    const base = await world.image('base:1');
    const reference = world.name('built:dev');
    const labels = composeLabels(world);
    const web = `{ build: '.', image: '${reference}', labels: ${labels} }`;
    const project = composeProject(world, `services: { web: ${web} }`, { version });
    const build = async (number: number, more = '') => {
      const dockerfile = `FROM ${base}\nENV VERSION=${number}\n${more}\n`;
      writeFileSync(path.join(project.folder, 'Dockerfile'), dockerfile);
      await project.run('build');
    };
    await build(1);
    await project.run('up', '--detach', '--wait');
    const before = await replicas(world, project);
    const app = await appOf(world);

    await build(2);
    assertDone((await app.roll([`${project.name}/web`], quickly()))[0]);
    const after = await replicas(world, project);
    assert.deepEqual([placesOf(after), versionsOf(after)], [placesOf(before), '2']);
    await assertUpChangesNothing(world, project);

    // A build of compose has some of its labels, and so do helpers and other containers of it.
    const built = await world.docker.getImage(reference).inspect();
    assert.equal(built.Config.Labels['com.docker.compose.service'], 'web');
    const stray = await world.container('stray', { image: reference });
    await build(3, 'ENV EXIT_AFTER_MS=100');
    const [failed] = await app.roll([`${project.name}/web`], quickly());
    assert.equal(failed?.error?.code, 'not-healthy', JSON.stringify(failed));
    assert.deepEqual(await replicas(world, project), after);

    // A build by hand has none, and still the container is a replica of the service.
    await retag(world, await world.image('byhand:4'), reference);
    assertDone((await app.roll([`${project.name}/web`], quickly()))[0]);
    const final = await replicas(world, project);
    assert.deepEqual([placesOf(final), versionsOf(final)], [placesOf(before), '4']);
    assert.equal((await stray.inspect()).State.Running, true, 'what only was made from the image is left alone');
    await assertUpChangesNothing(world, project);
  });
}
