// A proxy in a container in front of a service that its configuration names.
import assert from 'node:assert/strict';
import type Docker from 'dockerode';
import { openEngine } from '../../src/adapters/docker/open.ts';
import { trafficDrivers } from '../../src/adapters/traffic/drivers.ts';
import type { TrafficDriver } from '../../src/ports/traffic-driver.ts';
import { drivenProxy, type Kind } from './driven-proxies.ts';
import { engineUnderTest } from './engine.ts';
import { eventually } from './waiting.ts';
import { hostPort, type Scope, testWorld, untilHealthy, type World } from './world.ts';

export interface Scene {
  readonly world: World;
  readonly driver: TrafficDriver;
  readonly url: string;
  /** All that the proxy's configuration folder holds. */
  files(): Promise<string>;
  image(version: string): Promise<string>;
  /** A container of the service under a name of its own. */
  app(name: string, version: string): Promise<Docker.Container>;
}

export async function proxyScene(t: Scope, kind: Kind): Promise<Scene> {
  const world = testWorld(t);
  const network = await world.network('net');
  const { driver, files: folder } = drivenProxy(kind);
  const image = (version: string) => world.image(`web:${version}`, { env: { DRAIN: 1 } });
  const labels = { 'swapctl.proxy': `${driver}:${world.name('edge')}`, 'swapctl.proxy.route': 'web' };
  const app = async (name: string, version: string): Promise<Docker.Container> => {
    const container = await world.container(name, { image: await image(version), network, aliases: ['web'], labels });
    await untilHealthy(container);
    return container;
  };
  await app('web', '1');
  const { proxy, url } = await startDriven(world, kind, { name: 'edge', network, host: 'web' });
  const { engine } = await openEngine({ host: engineUnderTest().dockerHost }, async () => undefined);
  t.after(async () => engine.close());
  const script = `cd ${folder}; find . -type f | sort | while read -r f; do echo "$f"; cat "$f"; done`;
  const files = async () =>
    (await engine.exec(proxy.id, ['sh', '-c', script], { timeoutMs: 60_000, mostOutput: 1e6 })).output;
  return { world, driver: trafficDrivers(engine)[driver]?.(proxy.id) ?? assert.fail(), url, files, image, app };
}

/** Starts a proxy in front of a service, and waits until its clients are answered. */
export async function startDriven(
  world: World,
  kind: Kind,
  { name, network, host }: { name: string; network: string; host: string },
): Promise<{ proxy: Docker.Container; url: string }> {
  const { start, volume, sysctls, image } = drivenProxy(kind);
  const proxy = await world.container(name, {
    image: await image(world.docker),
    network,
    cmd: ['sh', '-c', start(host)],
    labels: { 'swapctl.proxy.allow': '*' },
    ports: [{ host: 0, container: 80 }],
    create: {
      ...(volume && { Volumes: { [volume]: {} } }),
      HostConfig: sysctls ? { Sysctls: sysctls } : {},
    },
  });
  const url = `http://${world.address}:${await hostPort(proxy, 80)}/`;
  const answers = (): Promise<boolean> =>
    fetch(`${url}healthz`, { signal: AbortSignal.timeout(10_000) }).then(
      ({ status }) => status === 200,
      () => false,
    );
  await eventually('the proxy answers', answers);
  return { proxy, url };
}
