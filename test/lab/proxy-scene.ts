// HAProxy or nginx in a container in front of a service that its configuration names.
import assert from 'node:assert/strict';
import type Docker from 'dockerode';
import { openEngine } from '../../src/adapters/docker/open.ts';
import { trafficDrivers } from '../../src/adapters/traffic/drivers.ts';
import type { TrafficDriver } from '../../src/ports/traffic-driver.ts';
import { engineUnderTest } from './engine.ts';
import { APP_PORT } from './images.ts';
import { proxyImage } from './proxy-image.ts';
import { eventually } from './waiting.ts';
import { hostPort, type Scope, testWorld, untilHealthy, type World } from './world.ts';

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

export type Kind = keyof typeof PROXIES;
export const KINDS: readonly Kind[] = ['haproxy', 'nginx'];

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
  const image = (version: string) => world.image(`web:${version}`, { env: { DRAIN: 1 } });
  const labels = { 'swapctl.proxy': `${kind}:${world.name('edge')}`, 'swapctl.proxy.route': 'web' };
  const app = async (name: string, version: string): Promise<Docker.Container> => {
    const container = await world.container(name, { image: await image(version), network, aliases: ['web'], labels });
    await untilHealthy(container);
    return container;
  };
  await app('web', '1');
  const proxies = await proxyImage(world.docker);
  const cmd = ['sh', '-c', PROXIES[kind].start];
  const proxy = await world.container('edge', { image: proxies, network, cmd, ports: [{ host: 0, container: 80 }] });
  const url = `http://${world.address}:${await hostPort(proxy, 80)}/`;
  const answers = (): Promise<boolean> =>
    fetch(url).then(
      ({ status }) => status === 200,
      () => false,
    );
  await eventually('the proxy answers', answers);
  const { engine } = await openEngine({ host: engineUnderTest().dockerHost }, async () => undefined);
  t.after(async () => engine.close());
  const driver = trafficDrivers(engine)[kind]?.(proxy.id) ?? assert.fail();
  const script = `cd ${PROXIES[kind].files}; find . -type f | sort | while read -r f; do echo "$f"; cat "$f"; done`;
  const files = async () =>
    (await engine.exec(proxy.id, ['sh', '-c', script], { timeoutMs: 60_000, mostOutput: 1e6 })).output;
  return { world, driver, url, files, image, app };
}
