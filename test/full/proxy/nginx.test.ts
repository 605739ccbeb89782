// nginx under the contract of a traffic driver.
import { appendFileSync, chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { hostAccess } from '../../../src/adapters/traffic/access/host.ts';
import { nginxDriver } from '../../../src/adapters/traffic/nginx/driver.ts';
import { type RunningProxy, trafficDriverContract } from '../../contract/traffic-driver.ts';
import { freePort } from '../../lab/port.ts';
import {
  filesIn,
  missingProxies,
  PROXY_SUITES,
  type ProxySuite,
  programIn,
  proxyFolder,
  proxyProcess,
  proxyVersion,
} from '../../lab/proxies.ts';

const ROUTES = ['web', 'api'] as const;
type Addresses = Readonly<Record<(typeof ROUTES)[number], string>>;

async function start(t: TestContext, routes: Addresses, suite: ProxySuite, extra: string): Promise<RunningProxy> {
  const folder = proxyFolder(t);
  const ports = { web: await freePort(), api: await freePort() };
  const program = programIn(folder, suite, 'nginx');
  const conf = path.join(folder, 'conf');
  mkdirSync(path.join(conf, 'swapctl'), { recursive: true });
  const file = path.join(conf, 'nginx.conf');
  const text = config(folder, ports, extra);
  writeFileSync(file, text);
  for (const route of ROUTES) {
    const owned = path.join(conf, 'swapctl', `${route}.servers`);
    writeFileSync(owned, `# The owner's comment; with "quotes"\nserver ${routes[route]} max_fails=2;\n\n`);
    chmodSync(owned, 0o640);
  }
  const nginx = proxyProcess(t, [program, '-c', file, '-g', 'daemon off;'], ports.web);
  await nginx.start();
  const access = hostAccess('nginx', file);
  return {
    access,
    url: (route) => `http://127.0.0.1:${ports[route]}/`,
    stop: nginx.stop,
    restart: async () => {
      await nginx.stop();
      await nginx.start();
    },
    generation: async () => {
      // Workers of earlier configurations end at some time.
      const all = (await access.processes(t.signal)).filter(({ title }) => !title.includes('shutting down'));
      return all.map(({ pid }) => pid).join(' ');
    },
    files: async () => filesIn(conf),
    spoil: async () => appendFileSync(file, 'no_such_directive on;\n'),
    repair: async () => writeFileSync(file, text),
    refuse: async () => {
      appendFileSync(file, 'no_such_directive on;\n');
      return { words: /unknown directive "no_such_directive"/ };
    },
  };
}

function config(folder: string, ports: Readonly<Record<'web' | 'api', number>>, extra: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `  ${name}_temp_path ${folder}/${name};\n`,
  );
  const parts = ROUTES.map(
    (route) => `  upstream ${route} {
    zone ${route} 64k;
    include swapctl/${route}.servers;
    keepalive 16;
  }
  server {
    listen 127.0.0.1:${ports[route]} backlog=4096;
    location / {
      proxy_pass http://${route};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_request_buffering off;
      proxy_buffering off;
      proxy_read_timeout 120s;
    }
  }
`,
  );
  return `user root;
worker_processes 2;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log notice;
worker_rlimit_nofile 8192;
events { worker_connections 4096; }
http {
  access_log off;
${extra}${temporary.join('')}  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
${parts.join('')}}
`;
}

const KEEPS_IDLE = '  keepalive_timeout 65s;\n  keepalive_min_timeout 65s;\n';

const SUITES: readonly ProxySuite[] = process.env.SWAPCTL_TEST_LONG === '1' ? PROXY_SUITES : ['bookworm'];

for (const suite of SUITES)
  trafficDriverContract({
    name: `nginx ${proxyVersion(suite, 'nginx')}`,
    skip: missingProxies(suite),
    driver: nginxDriver,
    start: (t, routes) => start(t, routes, suite, ''),
  });

trafficDriverContract({
  name: `nginx ${proxyVersion('sid', 'nginx')} with keepalive_min_timeout`,
  skip: missingProxies('sid'),
  driver: nginxDriver,
  start: (t, routes) => start(t, routes, 'sid', KEEPS_IDLE),
});
