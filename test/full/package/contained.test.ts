// swapctl in a container of its own: its needs, and the result of a roll without them.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import type Docker from 'dockerode';
import { fixedPort, LATE, type Service, startService } from '../../engine/traffic/handover-world.ts';
import { engineUnderTest } from '../../lab/engine.ts';
import { startLoad } from '../../lab/load.ts';
import { output } from '../../lab/load-inside.ts';
import { toolsImage } from '../../lab/tools-image.ts';
import { testWorld, type World } from '../../lab/world.ts';

const { dockerHost } = engineUnderTest();
const skip =
  dockerHost.startsWith('unix://') && existsSync('/usr/bin/nsenter')
    ? false
    : 'needs nsenter, and an engine on this machine';

const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));

/** The options of docs/guide/in-a-container.md: the host's network, its processes, and three capabilities. */
const ENOUGH: Docker.HostConfig = {
  NetworkMode: 'host',
  PidMode: 'host',
  CapDrop: ['ALL'],
  CapAdd: ['NET_ADMIN', 'SYS_ADMIN', 'SYS_PTRACE'],
};

/** The image of swapctl has the nft of Debian 13; test/full/traffic/nft-suites.test.ts hands a port over with that of sid. */
const SUITE = 'trixie';
const VERSION = /^nftables v1\.1\.3 /;

async function contained(world: World, host: Docker.HostConfig, command: string[]) {
  const socket = world.dockerHost.slice('unix://'.length);
  const container = await world.container('tool', {
    image: await toolsImage(world.docker, SUITE),
    cmd: command,
    env: { DOCKER_HOST: 'unix:///engine.sock' },
    create: { HostConfig: { Binds: [`${socket}:/engine.sock`, `${PROJECT}:/swapctl:ro`], ...host } },
  });
  const { StatusCode } = await container.wait();
  const { stdout, stderr } = await output(container);
  await container.remove();
  return { code: StatusCode, stdout, stderr };
}

const swapctl = (...args: string[]): string[] => ['node', '/swapctl/dist/swapctl.js', ...args];

async function published(world: World): Promise<Service & { port: number }> {
  const port = await fixedPort();
  const web = await startService(world, 'web', { app: { env: LATE }, env: { DRAIN: 1 }, ports: [{ host: port }] });
  await web.publish('2');
  return { ...web, port };
}

test(`with the host’s network and processes, and the nft of ${SUITE}, it hands ports over`, { skip }, async (t) => {
  const world = testWorld(t);
  const { stdout: version } = await contained(world, ENOUGH, ['nft', '--version']);
  assert.match(version, VERSION);
  const web = await published(world);
  const load = startLoad({ url: `http://${world.address}:${web.port}/`, keepAlive: false });
  world.after(async () => void (await load.stop()));
  const command = swapctl('roll', web.name, '--pull', 'never', '--json');
  const { code, stdout, stderr } = await contained(world, ENOUGH, command);
  assert.equal(code, 0, `${stdout}${stderr}`);
  await load.until(20, '2');
  const { failed, failures, requests } = await load.stop();
  t.diagnostic(`${version.trim()}: ${requests} requests, ${failed} failed`);
  assert.deepEqual(failures, []);
  const { outcome, strategy, notes } = JSON.parse(stdout);
  assert.deepEqual([outcome, strategy, notes], ['rolled', 'handover', undefined]);
});

const LACKS: [string, Docker.HostConfig, RegExp][] = [
  ['nothing but the socket', {}, /CAP_NET_ADMIN is missing/],
  ['a network of its own', { ...ENOUGH, NetworkMode: 'bridge' }, /another network namespace.*--network host/],
  ['processes of its own', { ...ENOUGH, PidMode: '' }, /--pid host/],
  ['no right to enter namespaces', { ...ENOUGH, CapAdd: ['NET_ADMIN'] }, /CAP_SYS_ADMIN and CAP_SYS_PTRACE/],
];

test('where something is missing it says what, and goes stop-first', { skip }, async (t) => {
  const world = testWorld(t);
  const web = await published(world);
  for (const [lack, host, expected] of LACKS) {
    const { code, stdout, stderr } = await contained(
      world,
      host,
      swapctl('plan', web.name, '--pull', 'never', '--json'),
    );
    assert.equal(code, 0, `${lack}: ${stdout}${stderr}`);
    const [slot] = JSON.parse(stdout).slots;
    assert.equal(slot.strategy, 'stop-first', lack);
    assert.match(slot.because, expected, lack);
    assert.match((await contained(world, host, swapctl('doctor'))).stdout, expected, lack);
  }
  const { stdout, stderr } = await contained(world, {}, swapctl('roll', web.name, '--pull', 'never', '--json'));
  const report = JSON.parse(stdout);
  assert.deepEqual([report.outcome, report.strategy], ['rolled', 'stop-first'], stderr);
  assert.ok(report.gap > 0, 'the gap is told');
});
