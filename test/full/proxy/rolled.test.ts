// The shipped program rolls a service behind a proxy that is told, with the real proxy and under load.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { swapctl } from '../../lab/cli.ts';
import { APP_PORT } from '../../lab/images.ts';
import { startLoad } from '../../lab/load.ts';
import { proxyImage } from '../../lab/proxy-image.ts';
import { eventually } from '../../lab/waiting.ts';
import { hostPort, testWorld, untilHealthy, type World } from '../../lab/world.ts';

const PROXIES = {
  haproxy: `cat > /usr/local/etc/haproxy/haproxy.cfg <<'END'
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
  nginx: `echo 'server web:${APP_PORT};' > /etc/nginx/swapctl/web.servers
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
} as const;

type Kind = keyof typeof PROXIES;

async function stage(t: TestContext, kind: Kind): Promise<{ world: World; url: string }> {
  const world = testWorld(t);
  const network = await world.network('net');
  await world.image('web:1', { env: { DRAIN: 1, VERSION: '1' } });
  const labels = {
    'swapctl.proxy': `${kind}:${world.name('edge')}`,
    'swapctl.proxy.route': 'web',
    'swapctl.proxy.port': String(APP_PORT),
    'swapctl.settle': '500ms',
  };
  const docker = world.docker;
  await docker.getImage(world.name('web:1')).tag({ repo: world.name('web'), tag: 'live' });
  const web = await world.container('web', { image: world.name('web:live'), network, aliases: ['web'], labels });
  await untilHealthy(web);
  const cmd = ['sh', '-c', PROXIES[kind]];
  const image = await proxyImage(docker);
  const edge = await world.container('edge', { image, network, cmd, ports: [{ host: 0, container: 80 }] });
  const url = `http://${world.address}:${await hostPort(edge, 80)}/`;
  await eventually('the proxy answers', () =>
    fetch(url).then(
      ({ status }) => status === 200,
      () => false,
    ),
  );
  await world.image('web:2', { env: { DRAIN: 1, VERSION: '2' } });
  await docker.getImage(world.name('web:2')).tag({ repo: world.name('web'), tag: 'live' });
  return { world, url };
}

for (const kind of ['haproxy', 'nginx'] as const)
  test(`a roll behind ${kind} loses no request, and leaves the proxy as it was`, async (t) => {
    const { world, url } = await stage(t, kind);
    const name = world.name('web');
    const planned = await swapctl(['plan', name]);
    t.diagnostic(planned.stdout);
    assert.equal(planned.code, 0, planned.stderr);
    const load = startLoad({ url, ratePerSecond: 100, keepAlive: kind === 'haproxy' ? 'mixed' : false });
    await load.until(50, '1');
    const rolled = await swapctl(['roll', name, '--pull', 'never', '--json', '--verbose']);
    t.diagnostic(rolled.stderr);
    assert.equal(rolled.code, 0, rolled.stderr + rolled.stdout);
    await load.until(50, '2');
    const { failures, byVersion } = await load.stop();
    t.diagnostic(JSON.stringify({ byVersion, timings: rolled.json().timings, proxy: rolled.json().proxy }));
    assert.deepEqual(failures, []);
    const recovered = await swapctl(['recover', name]);
    t.diagnostic(recovered.stdout + recovered.stderr);
    const doctor = await swapctl(['doctor']);
    assert.match(recovered.stdout, /no roll left anything behind/);
    t.diagnostic(
      doctor.stdout
        .split('\n')
        .filter((line) => /proxy/.test(line))
        .join('\n'),
    );
  });
