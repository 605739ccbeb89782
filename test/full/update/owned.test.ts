// Containers that other programs start and end: a job of docker compose run, a docker run in the foreground, a pod of Podman.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'node:test';
import type Docker from 'dockerode';
import { type Lab, lab } from '../../engine/update/registry-lab.ts';
import { outcomes } from '../../engine/update/update-world.ts';
import { swapctl } from '../../lab/cli.ts';
import { composeLabels, composeProject } from '../../lab/compose.ts';
import { engineUnderTest, isPodman } from '../../lab/engine.ts';
import { baseImage } from '../../lab/images.ts';
import { missingProgram } from '../../lab/missing.ts';
import { eventually } from '../../lab/waiting.ts';
import type { World } from '../../lab/world.ts';

const PODMAN = await isPodman(engineUnderTest().docker);
const QUICK = ['--settle', '300ms', '--drain-timeout', '1s'];

/** The process of a container: another one after a re-creation, and after a restart. */
async function processOf({ docker }: World, name: string): Promise<string> {
  const { Id, State } = await docker.getContainer(name).inspect();
  return `${Id} ${State.Pid}`;
}

/** Runs swapctl, which must end with that status; resolves with its output. */
async function ended(own: Lab, code: number, ...args: string[]): Promise<string> {
  const result = await swapctl(args, { env: own.env });
  assert.equal(result.code, code, result.stdout + result.stderr);
  return result.stdout + result.stderr;
}

/** A running job of a compose project whose one service tracks a tag. */
async function composeJob({ world, registry }: Lab): Promise<string> {
  const image = `${registry.host}/team/app:stable`;
  const project = composeProject(world, `services: { web: { image: '${image}', labels: ${composeLabels(world)} } }`);
  // The id on its last line, after compose's output about the network.
  const id = (await project.run('run', '--detach', 'web')).trim().split('\n').at(-1) ?? '';
  return (await world.docker.getContainer(id).inspect()).Name.slice(1);
}

test('a job of docker compose run goes on, whoever asks for its roll', async (t) => {
  const own = await lab(t);
  await own.push('1', 'stable');
  const web = await own.start('single', 'stable');
  const job = await composeJob(own);
  const before = await processOf(own.world, job);
  await own.push('2', 'stable');

  const update = await swapctl(['update', web, job, '--json'], { env: own.env });
  assert.equal(update.code, 0, update.stdout + update.stderr);
  assert.deepEqual(outcomes(update.json().services), { [web]: 'updated', [job]: 'skipped' });
  assert.match(await ended(own, 0, 'check', job), /is a job of docker compose run.*wait until it has ended/);
  for (const force of [[], ['--force']])
    assert.match(await ended(own, 2, 'roll', job, ...force), /is a job of docker compose run/);
  assert.equal(await processOf(own.world, job), before);
});

test('no roll of a container ends a job that lives in its network', async (t) => {
  const own = await lab(t);
  const { world } = own;
  await own.push('1', 'stable');
  const web = await own.start('web', 'stable');
  const image = await world.image('job:1', { from: 'base' });
  const labels = { 'com.docker.compose.oneoff': 'True' };
  const create = { HostConfig: { NetworkMode: `container:${web}` } };
  const { id } = await world.container('job', { image, labels, cmd: ['sleep', '100000'], create });
  const before = await processOf(world, web);
  await own.push('2', 'stable');
  const refused = await ended(own, 2, 'roll', web, ...QUICK);
  assert.match(
    refused,
    /a roll of \S+-web re-creates \S+-job, which lives in its namespaces, but \S+-job is a job of docker compose run/,
  );
  assert.equal(await processOf(world, web), before);
  await world.docker.getContainer(id).remove({ force: true });
  await ended(own, 0, 'roll', web, ...QUICK);
});

/** A docker run in the foreground, by the docker program itself; `code` is its exit status. */
async function dockerRun(own: Lab, ...options: string[]): Promise<{ name: string; code: Promise<unknown> }> {
  const { world, registry, env } = own;
  const name = world.name('session');
  const args = [
    'run',
    '--name',
    name,
    '--rm',
    ...options,
    '--label',
    'swapctl.test=1',
    `${registry.host}/team/app:stable`,
  ];
  const client = spawn('docker', args, {
    env: { ...env, DOCKER_HOST: world.dockerHost },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const code = once(client, 'exit').then(([status]) => status);
  world.after(async () => void client.kill('SIGKILL'));
  await eventually('the docker run is under way', async () => {
    const all = await world.docker.listContainers();
    return all.some(({ Names }) => Names.includes(`/${name}`));
  });
  return { name, code };
}

const WITHOUT_CLI = PODMAN ? 'Podman does not tell a docker run in the foreground' : missingProgram('docker');

for (const [options, reason] of [
  [['-i'], /is an interactive docker run \(-i\)/],
  [[], /is a docker run --rm in the foreground/],
] as const)
  test(`docker run --rm ${options.join(' ')} goes on until --force ends it`, { skip: WITHOUT_CLI }, async (t) => {
    const own = await lab(t);
    await own.push('1', 'stable');
    const { name, code } = await dockerRun(own, ...options);
    const before = await processOf(own.world, name);
    await own.push('2', 'stable');
    const update = await swapctl(['update', name, '--json'], { env: own.env });
    assert.deepEqual([update.code, outcomes(update.json().services)], [0, { [name]: 'skipped' }]);
    assert.match(await ended(own, 0, 'check', name), reason);
    for (const command of ['plan', 'roll']) assert.match(await ended(own, 2, command, name), reason);
    assert.equal(await processOf(own.world, name), before);

    await ended(own, 0, 'roll', name, '--force', ...QUICK);
    await code;
    // Nobody waits for the new one, so it is a service like any other.
    await own.push('3', 'stable');
    await ended(own, 0, 'roll', name, ...QUICK);
  });

/** One call of Podman's own API. */
function libpod({ docker }: World, method: string, path: string, options?: object): Promise<unknown> {
  const call = { path: `/v4.0.0/libpod${path}`, method, options, statusCodes: { 200: true, 201: true, 204: true } };
  const { modem } = docker as unknown as { modem: Docker['modem'] };
  return new Promise((resolve, reject) =>
    modem.dial(call as never, (error: unknown, answer: unknown) => (error ? reject(error) : resolve(answer))),
  );
}

test('a pod of Podman stays as it is', { skip: PODMAN ? false : 'only Podman has pods' }, async (t) => {
  const own = await lab(t);
  const { world } = own;
  const pod = world.name('pod');
  const image = `docker.io/${await baseImage(world.docker)}`;
  await libpod(world, 'POST', '/pods/create', { name: pod, infra_image: image, infra_command: ['sleep', '100000'] });
  world.after(async () => void (await libpod(world, 'DELETE', `/pods/${pod}?force=true&`)));
  const name = world.name('member');
  await libpod(world, 'POST', '/containers/create', { name, image, pod, command: ['sleep', '100000'] });
  await world.docker.getContainer(name).start();
  const all = await world.docker.listContainers();
  const infra =
    all
      .flatMap(({ Names }) => Names)
      .find((one) => one.endsWith('-infra'))
      ?.slice(1) ?? '';
  const before = await processOf(world, name);
  for (const command of ['plan', 'roll']) {
    const refused = await ended(own, 2, command, name, '--force', '--image', image);
    assert.match(refused, new RegExp(`${name} is in the Podman pod ${pod}.*podman kube play --replace`, 's'));
    assert.match(await ended(own, 2, command, infra), /is the infra container of the Podman pod/);
  }
  assert.match(await ended(own, 0, 'check', name), /is in the Podman pod/);
  assert.equal(await processOf(world, name), before);
});
