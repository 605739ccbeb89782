// The image, built by the engine from what this machine has instead of a hub's base.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import type Docker from 'dockerode';
import { composeProject } from '../../lab/compose.ts';
import { endOf, engineUnderTest } from '../../lab/engine.ts';
import { faultProxy } from '../../lab/fault-proxy.ts';
import { output } from '../../lab/load-inside.ts';
import { documentedCalls } from '../../lab/rights.ts';
import { toolsImage } from '../../lab/tools-image.ts';
import { eventually } from '../../lab/waiting.ts';
import { testWorld, untilHealthy, type World } from '../../lab/world.ts';

const { dockerHost } = engineUnderTest();
const skip = dockerHost.startsWith('unix://') ? false : 'needs the socket of the engine';
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const CONTEXT = ['Dockerfile', 'package'];

/** By the suite of Debian that the Dockerfile names, the nft that is in the published image. */
const NFT: Record<string, RegExp> = { trixie: /nftables v1\.1\.3 / };

/** Builds the Dockerfile as it stands; resolves with the image's name. */
async function build(world: World): Promise<string> {
  const tag = `${world.name('swapctl')}:1`;
  const base = await toolsImage(world.docker);
  const context = spawn('tar', ['-C', ROOT, '-c', ...CONTEXT], { stdio: ['ignore', 'pipe', 'inherit'] });
  const options = { t: tag, buildargs: { BASE: base }, labels: world.labels, forcerm: true };
  const log = await endOf(await world.docker.buildImage(context.stdout as never, options));
  const [, suite = ''] = /^ARG BASE=node:\d+-(\w+)-slim$/m.exec(readFileSync(`${ROOT}/Dockerfile`, 'utf8')) ?? [];
  assert.match(log, NFT[suite] ?? /no nft of this suite is known here/, `the image has the nft of ${suite}`);
  return tag;
}

test('the image rolls a service through a socket proxy that allows only what is documented, as nobody', {
  skip,
}, async (t) => {
  const world = testWorld(t);
  const image = await build(world);
  const [v1, v2] = [await world.image('app:1', { from: 'httpd' }), await world.image('app:2', { from: 'httpd' })];
  await untilHealthy(await world.container('web', { image: v1, network: await world.network('net') }));
  const { rolls } = documentedCalls();
  const { engine, calls, denied } = await faultProxy(t, world, ({ what }) => rolls.has(what));
  const socket = new URL(engine.dockerHost).pathname;
  chmodSync(socket, 0o666);
  chmodSync(new URL('.', `file://${socket}`).pathname, 0o755);
  const args = ['roll', world.name('web'), '--image', v2, '--json', '--settle', '300ms', '--drain-timeout', '1s'];
  const HostConfig: Docker.HostConfig = {
    Binds: [`${socket}:/var/run/docker.sock`],
    CapDrop: ['ALL'],
    ReadonlyRootfs: true,
  };
  const tool = await world.container('tool', { image, cmd: args, create: { User: '65534:65534', HostConfig } });
  const { StatusCode } = await tool.wait();
  const { stdout, stderr } = await output(tool);
  assert.equal(StatusCode, 0, `${stdout}${stderr}`);
  assert.equal(JSON.parse(stdout).outcome, 'rolled');
  assert.deepEqual(denied, []);
  assert.ok(calls.some(({ what }) => what === 'POST /containers/create'));
});

test('compose.example.yml runs as it stands: the watch is healthy, watches web, and ends when it is told to', {
  skip,
}, async (t) => {
  const world = testWorld(t);
  const { docker } = world;
  await name(world, await build(world), 'ghcr.io/swapctl/swapctl', '0.1');
  // Whoever has the real one keeps it.
  const nginx = await docker
    .getImage('nginx:1.27-alpine')
    .inspect()
    .catch(() => undefined);
  const app = await world.image('nginx:1', { env: { PORT: 80 }, ports: [80], health: false });
  if (!nginx) await name(world, app, 'nginx', '1.27-alpine');
  const text = readFileSync(new URL('../../../compose.example.yml', import.meta.url), 'utf8');
  // All that is not as it stands: other tests on this engine have services of theirs that are opted in.
  const example = text.replace('command: [watch]', `command: [watch, ${world.prefix}/web]`);
  assert.notEqual(example, text);
  const project = composeProject(
    { ...world, env: { ...world.env, DOCKER_SOCKET: new URL(dockerHost).pathname, PORT: '0' } },
    example,
  );
  await project.run('up', '-d');
  const [tool = ''] = (await project.run('ps', '-q', 'swapctl')).split('\n');
  const watch = docker.getContainer(tool);
  const said = async () => `${Object.values(await output(watch))}`;
  await eventually('it watches web', async () => (await said()).includes('watching 1 service')).catch(async (error) =>
    assert.fail(`${error}\n${await said()}`),
  );
  const { Config } = await watch.inspect();
  const check = await watch.exec({
    Cmd: Config.Healthcheck?.Test?.slice(1) ?? [],
    AttachStdout: true,
    AttachStderr: true,
  });
  assert.equal(await exitCode(check), 0);
  const stale = await watch.exec({
    Cmd: [
      'sh',
      '-c',
      'touch -d @1 /tmp/stale; export SWAPCTL_HEARTBEAT=/tmp/stale; exec "$@"',
      'sh',
      ...(Config.Healthcheck?.Test?.slice(1) ?? []),
    ],
    AttachStdout: true,
  });
  assert.equal(await exitCode(stale), 1, 'an old heartbeat is none');
  await watch.stop({ t: 60 });
  assert.equal((await watch.inspect()).State.ExitCode, 0, await said());
  assert.match(await said(), /ended/);
});

async function exitCode(exec: Docker.Exec): Promise<number | null> {
  const stream = await exec.start({});
  stream.resume();
  await new Promise((resolve) => stream.on('end', resolve).on('close', resolve));
  return eventually('the command has ended', async () => {
    const { Running, ExitCode } = await exec.inspect();
    return Running ? undefined : { ExitCode };
  }).then(({ ExitCode }) => ExitCode);
}

/** Another name for an image of the world, as long as the world lasts. */
async function name({ docker, after }: World, image: string, repo: string, tag: string): Promise<void> {
  await docker.getImage(image).tag({ repo, tag });
  after(async () => void (await docker.getImage(`${repo}:${tag}`).remove({ force: true })));
}
