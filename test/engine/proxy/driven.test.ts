// HAProxy and nginx in containers, told of an update by driver and engine: their configuration names the service, before and after.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type Docker from 'dockerode';
import { openEngine } from '../../../src/adapters/docker/open.ts';
import { trafficDrivers } from '../../../src/adapters/traffic/drivers.ts';
import type { Server, ServerState, Wanted } from '../../../src/core/proxy/route.ts';
import type { TrafficDriver } from '../../../src/ports/traffic-driver.ts';
import { engineUnderTest } from '../../lab/engine.ts';
import { APP_PORT } from '../../lab/images.ts';
import { startLoad } from '../../lab/load.ts';
import { proxyImage } from '../../lab/proxy-image.ts';
import { eventually } from '../../lab/waiting.ts';
import { hostPort, testWorld, untilHealthy, type World } from '../../lab/world.ts';

const PROXIES = {
  haproxy: {
    start: `cat > /usr/local/etc/haproxy/haproxy.cfg <<'END'
global
  stats socket /run/haproxy/admin.sock mode 660 level admin
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend clients
  bind :80
  default_backend web
backend web
  server web web:${APP_PORT} init-addr last,libc,none
END
exec haproxy -W -db -f /usr/local/etc/haproxy/haproxy.cfg`,
    files: '/usr/local/etc/haproxy',
  },
  nginx: {
    start: `echo 'server web:${APP_PORT};' > /etc/nginx/swapctl/web.servers
cat > /etc/nginx/nginx.conf <<'END'
user root;
error_log stderr;
events {}
http {
  access_log off;
  upstream web { zone web 64k; include swapctl/web.servers*; }
  server { listen 80; location / { proxy_pass http://web; } }
}
END
exec nginx -g 'daemon off;'`,
    files: '/etc/nginx',
  },
} as const;

type Kind = keyof typeof PROXIES;

interface Scene {
  readonly world: World;
  readonly driver: TrafficDriver;
  readonly url: string;
  /** All that the proxy's configuration folder holds. */
  files(): Promise<string>;
  app(version: string): Promise<Docker.Container>;
}

async function scene(t: TestContext, kind: Kind): Promise<Scene> {
  const world = testWorld(t);
  const network = await world.network('net');
  const app = async (version: string): Promise<Docker.Container> => {
    const image = await world.image(`web:${version}`, { env: { DRAIN: 1 } });
    const container = await world.container(`web-${version}`, { image, network, aliases: ['web'] });
    await untilHealthy(container);
    return container;
  };
  await app('1');
  const image = await proxyImage(world.docker);
  const cmd = ['sh', '-c', PROXIES[kind].start];
  const proxy = await world.container('edge', { image, network, cmd, ports: [{ host: 0, container: 80 }] });
  const url = `http://${world.address}:${await hostPort(proxy, 80)}/`;
  const answers = (): Promise<boolean> =>
    fetch(url).then(
      ({ status }) => status === 200,
      () => false,
    );
  await eventually('the proxy answers', answers);
  const { engine } = await openEngine({ host: engineUnderTest().dockerHost }, async () => undefined);
  t.after(() => engine.close());
  const driver = trafficDrivers(engine)[kind]?.(proxy.id) ?? assert.fail();
  const script = `cd ${PROXIES[kind].files}; find . -type f | sort | while read -r f; do echo "$f"; cat "$f"; done`;
  const files = async () =>
    (await engine.exec(proxy.id, ['sh', '-c', script], { timeoutMs: 60_000, mostOutput: 1e6 })).output;
  return { world, driver, url, files, app };
}

async function serverOf(container: Docker.Container, state: ServerState): Promise<Server> {
  const { NetworkSettings } = await container.inspect();
  const [endpoint] = Object.values(NetworkSettings.Networks);
  return { address: `${endpoint?.IPAddress}:${APP_PORT}`, state, weight: 1 };
}

async function roll({ world, driver, app }: Scene, t: TestContext): Promise<void> {
  const old = world.docker.getContainer(world.name('web-1'));
  const next = await app('2');
  const servers = async (before: ServerState, after: ServerState): Promise<Wanted> => ({
    kind: 'servers',
    roll: 'r0ll1',
    servers: [await serverOf(old, before), await serverOf(next, after)],
  });
  await driver.apply('web', await servers('ready', 'off'), t.signal);
  await driver.apply('web', await servers('draining', 'ready'), t.signal);
  const address = (await serverOf(old, 'draining')).address;
  await eventually('the old one has no request under way', async () => {
    const found = (await driver.route('web', t.signal))?.servers.find((one) => one.address === address);
    return found?.inFlight === undefined || found.inFlight === 0;
  });
  await old.stop();
  await old.remove();
  await driver.apply('web', { kind: 'baseline' }, t.signal);
}

for (const kind of ['haproxy', 'nginx'] as const)
  test(`${kind} in a container goes from name to name over a roll, and no request fails`, async (t) => {
    const stage = await scene(t, kind);
    const { driver, url, files } = stage;
    const before = await files();
    const { version, keepsIdleClients } = await driver.facts(t.signal);
    assert.match(version, /^\d+\.\d+\.\d+/);
    // Where idle connections are closed, a kept one may meet its end.
    const load = startLoad({ url, ratePerSecond: 100, keepAlive: keepsIdleClients ? 'mixed' : false });
    await load.until(50, '1');
    await roll(stage, t);
    const switched = load.soFar().requests;
    await load.until(50, '2');
    const { failures, timeline } = await load.stop();
    assert.deepEqual(failures, []);
    assert.ok(timeline.slice(switched).every((answer) => answer.version === '2'));
    assert.equal(await files(), before);
    const route = await driver.route('web', t.signal);
    assert.deepEqual(route?.wanted, { kind: 'baseline' });
    const next = await serverOf(stage.world.docker.getContainer(stage.world.name('web-2')), 'ready');
    assert.deepEqual(
      route?.servers.map(({ address, state }) => [address, state]),
      [[next.address, 'ready']],
    );
  });
