// A published service with a handover, and the helpers of its tests.
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import net from 'node:net';
import type Docker from 'dockerode';
import { type CliOptions, type CliResult, swapctl } from '../../lab/cli.ts';
import { nft, portRedirectTable, proxies } from '../../lab/host-state.ts';
import { type ContainerOptions, untilHealthy, type World } from '../../lab/world.ts';

/** A free host port, below those that the kernel and the engine assign. */
export async function fixedPort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 30_000);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  const server = net.createServer();
  return new Promise((resolve) => {
    server.on('error', () => resolve(false));
    server.listen(port, () => server.close(() => resolve(true)));
  });
}

/** The app, which a client by name meets only when it is ready. */
export const LATE = { READY_AFTER_MS: 800, LISTEN: 'late' };

export interface Service {
  name: string;
  container: Docker.Container;
  /** Points the tracked reference of the service at another image. */
  publish(version: string, options?: Parameters<World['image']>[1]): Promise<void>;
}

/** A container of an image `<suffix>:live` that is moved from version to version. */
export async function startService(
  world: World,
  suffix: string,
  options: Omit<ContainerOptions, 'image'> & { app?: Parameters<World['image']>[1] },
): Promise<Service> {
  const { app = {}, ...rest } = options;
  const publish: Service['publish'] = async (version, more = {}) => {
    const env = { ...app.env, ...more.env };
    await world.image(`${suffix}:live`, { version, ...app, ...more, env });
  };
  await publish('1');
  const labels = { 'swapctl.settle': '300ms', 'swapctl.drain.timeout': '3s', ...rest.labels };
  const container = await world.container(suffix, { ...rest, image: world.name(`${suffix}:live`), labels });
  await untilHealthy(container);
  return { name: world.name(suffix), container, publish };
}

/** Rolls by the program. `told` gets its progress with the second of the minute before each line. */
export async function roll(
  world: World,
  service: string,
  options: CliOptions = {},
  told?: (line: string) => void,
): Promise<CliResult> {
  const onStderr = (text: string) => {
    for (const line of text.split('\n').filter(Boolean)) told?.(`${new Date().toISOString().slice(17, 23)} ${line}`);
  };
  const args = ['roll', service, '--json', '--pull', 'never'];
  const result = await swapctl(args, { env: world.env, netns: world.netns, onStderr, ...options });
  assert.equal(result.code, 0, `${result.stdout}${result.stderr}`);
  return result;
}

/** The host ports in the output of `docker port`. */
export async function portsOf(world: World, name: string): Promise<unknown> {
  return (await world.docker.getContainer(name).inspect()).NetworkSettings.Ports;
}

/** The host's address for the containers of a network. */
export async function gatewayOf(world: World, network: string): Promise<string> {
  const { IPAM } = await world.docker.getNetwork(network).inspect();
  const gateway = IPAM?.Config?.[0]?.Gateway;
  assert.ok(gateway, `${network} has a gateway`);
  return gateway.split('/')[0] ?? gateway;
}

/** The version of the app in a container. */
export async function versionOf(world: World, name: string): Promise<string | undefined> {
  const { Config } = await world.docker.getContainer(name).inspect();
  return Config.Env.find((pair) => pair.startsWith('VERSION='))?.slice('VERSION='.length);
}

/** Fails if any part of a handover remains. */
export async function assertNothingLeft(world: World, service: string): Promise<void> {
  const tables = nft(world.netns, 'list', 'tables');
  assert.ok(!tables.includes(await portRedirectTable(world, service)), tables);
  const all = await world.docker.listContainers({ all: true });
  // A record of a bad image is inert, and stays.
  const helper = new RegExp(`^/${service}\\.swapctl-(?!failed-)`);
  const helpers = all.filter(({ Names }) => Names.some((name) => helper.test(name)));
  assert.deepEqual(
    helpers.map(({ Names }) => Names),
    [],
    'no helper is left',
  );
  const { NetworkSettings } = await world.docker.getContainer(service).inspect();
  const addresses = Object.values(NetworkSettings.Networks);
  const expected = Object.values(NetworkSettings.Ports).flatMap((bindings) => bindings ?? []).length;
  const mine = proxies(world.netns).filter((line) =>
    addresses.some(({ IPAddress }) => line.includes(` ${IPAddress} `)),
  );
  assert.ok(mine.length === expected || mine.length === 0, `listeners: ${mine.join('; ')}`);
}
