// The image, built by the engine from this machine's files instead of a hub's base.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, statSync } from 'node:fs';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import type Docker from 'dockerode';
import { ask, socketFolder } from '../../engine/serve/serve-process.ts';
import { type ComposeProject, composeProject } from '../../lab/compose.ts';
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

/** The example as a project: swapctl, or the service in its place, watches only web. */
async function example(world: World, command: 'watch' | 'serve', env: NodeJS.ProcessEnv = {}): Promise<ComposeProject> {
  const { docker } = world;
  await name(world, await build(world), 'ghcr.io/swapctl/swapctl', '0.1');
  // If the machine has the real one, it stays.
  const nginx = await docker
    .getImage('nginx:1.27-alpine')
    .inspect()
    .catch(() => undefined);
  const app = await world.image('nginx:1', { env: { PORT: 80 }, ports: [80], health: false });
  if (!nginx) await name(world, app, 'nginx', '1.27-alpine');
  const text = readFileSync(new URL('../../../compose.example.yml', import.meta.url), 'utf8');
  // Only these differ: other tests on this engine have opted-in services.
  const changed = text.replace(`command: [${command}]`, `command: [${command}, ${world.prefix}/web]`);
  assert.notEqual(changed, text);
  const given = { ...world.env, ...env, DOCKER_SOCKET: new URL(dockerHost).pathname, PORT: '0' };
  return composeProject({ ...world, env: given }, changed);
}

/** A container of the image that runs as a daemon. */
async function daemon(world: World, id: string) {
  const container = world.docker.getContainer(id);
  const said = async () => `${Object.values(await output(container))}`;
  await eventually('it watches web', async () => (await said()).includes('watching 1 service')).catch(async (error) =>
    assert.fail(`${error}\n${await said()}`),
  );
  const { Config } = await container.inspect();
  const test = Config.Healthcheck?.Test?.slice(1) ?? [];
  const check = await container.exec({ Cmd: test, AttachStdout: true, AttachStderr: true });
  assert.equal(await exitCode(check), 0);
  return { container, said, check: test };
}

test('compose.example.yml runs as it stands: the watch is healthy, watches web, and ends when it is told to', {
  skip,
}, async (t) => {
  const world = testWorld(t);
  const project = await example(world, 'watch');
  await project.run('up', '-d');
  assert.equal(await project.run('ps', '-aq', 'server').catch(() => ''), '', 'only one of them rolls services');
  const [tool = ''] = (await project.run('ps', '-q', 'swapctl')).split('\n');
  const { container: watch, said, check } = await daemon(world, tool);
  const stale = await watch.exec({
    Cmd: ['sh', '-c', 'touch -d @1 /tmp/stale; export SWAPCTL_HEARTBEAT=/tmp/stale; exec "$@"', 'sh', ...check],
    AttachStdout: true,
  });
  assert.equal(await exitCode(stale), 1, 'an old heartbeat is none');
  await watch.stop({ t: 60 });
  assert.equal((await watch.inspect()).State.ExitCode, 0, await said());
  assert.match(await said(), /ended/);
});

test('the server of compose.example.yml answers on its socket, and rolls what it is asked to', { skip }, async (t) => {
  const world = testWorld(t);
  const folder = socketFolder(world);
  const project = await example(world, 'serve', { SERVER_FOLDER: folder });
  await project.run('up', '-d', 'server', 'proxy', 'web');
  const [tool = ''] = (await project.run('ps', '-q', 'server')).split('\n');
  const { container: server, said } = await daemon(world, tool);
  const socket = `${folder}/swapctl.sock`;
  assert.equal(statSync(socket).mode & 0o777, 0o660);
  const web = `${world.prefix}/web`;
  const shown = await ask(socket, `/v1/services/${encodeURIComponent(web)}`);
  assert.deepEqual([shown.status, shown.json?.service], [200, web], shown.text);
  const settings = { settle: '300ms', 'drain.timeout': '1s' };
  const body = { service: web, pull: 'never', force: true, settings };
  const rolled = await ask(socket, '/v1/rolls', { method: 'POST', headers: { prefer: 'wait=120' }, body });
  assert.deepEqual([rolled.status, rolled.json?.outcome], [200, 'rolled'], `${rolled.text}\n${await said()}`);
  await server.stop({ t: 60 });
  assert.equal((await server.inspect()).State.ExitCode, 0, await said());
  assert.equal(existsSync(socket), false);
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
