// HAProxy under the contract of a traffic driver.
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { hostAccess } from '../../../src/adapters/traffic/access/host.ts';
import { haproxyDriver } from '../../../src/adapters/traffic/haproxy/driver.ts';
import { type RunningProxy, servers, trafficDriverContract } from '../../contract/traffic-driver.ts';
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

/** `added`: servers are added in a roll. `slots`: the configuration has spare ones. */
type Kind = 'added' | 'slots';

const ROUTES = ['web', 'api'] as const;

async function start(
  t: TestContext,
  routes: Readonly<Record<'web' | 'api', string>>,
  suite: ProxySuite,
  kind: Kind,
): Promise<RunningProxy> {
  const folder = proxyFolder(t);
  const ports = { web: await freePort(), api: await freePort() };
  const program = programIn(folder, suite, 'haproxy');
  const conf = path.join(folder, 'conf');
  mkdirSync(conf);
  const file = path.join(conf, 'haproxy.cfg');
  const socket = path.join(folder, 'admin.sock');
  const text = config(socket, routes, ports, kind);
  writeFileSync(file, text);
  const haproxy = proxyProcess(t, [program, '-W', '-db', '-f', file], ports.web);
  await haproxy.start();
  const access = hostAccess('haproxy', file);
  const ask = (command: string) => access.exchange({ path: socket }, `${command}\n`, t.signal);
  return {
    access,
    url: (route) => `http://127.0.0.1:${ports[route]}/`,
    stop: haproxy.stop,
    restart: async () => {
      await haproxy.stop();
      await haproxy.start();
    },
    generation: async () => {
      const pid = /^Pid: (\d+)/m.exec(await ask('show info'))?.[1];
      const states = await Promise.all(ROUTES.map((route) => ask(`show servers state ${route}`)));
      // The tenth column is the time since the last change.
      const lines = states.join('').split('\n');
      return [pid, ...lines.map((line) => line.split(' ').toSpliced(9, 1).join(' '))].join('\n');
    },
    files: async () => filesIn(conf),
    spoil: async () => appendFileSync(file, 'no such keyword\n'),
    repair: async () => writeFileSync(file, text),
    // An option that HAProxy does not know, or more servers than there are spare ones.
    refuse: async () => {
      writeFileSync(file, text.replaceAll('maxconn 500', 'maxconn 500 no-such-option'));
      const [, ...others] = [6, 7, 8, 9].map(
        (port) => ({ address: `127.0.0.9:${port}`, state: 'off', weight: 1 }) as const,
      );
      return {
        wanted: servers({ address: routes.web, state: 'ready', weight: 2 }, ...others),
        words: kind === 'slots' ? /all 2 spare servers .* are in use/ : /no-such-option/,
      };
    },
  };
}

function config(
  socket: string,
  routes: Readonly<Record<'web' | 'api', string>>,
  ports: Readonly<Record<'web' | 'api', number>>,
  kind: Kind,
): string {
  const spare = kind === 'slots' ? '  server-template swapctl 1-2 127.0.0.1:1 disabled\n' : '';
  const parts = ROUTES.map(
    (route) => `frontend ${route}-clients
  bind 127.0.0.1:${ports[route]}
  default_backend ${route}
backend ${route}
  # The comment of the owner: server not-one 1.2.3.4:5
  server ${route} ${routes[route]} maxconn 500
${spare}`,
  );
  return `global
  stats socket ${socket} mode 600 level admin
  log stderr local0 warning
defaults
  mode http
  backlog 4096
  timeout connect 60s
  timeout queue 30s
  retries 31
  timeout client 120s
  timeout server 120s
  timeout tunnel 1h
  option redispatch
${parts.join('')}`;
}

type Setup = readonly [suite: ProxySuite, kind: 'added' | 'slots'];
const ALL = PROXY_SUITES.flatMap((suite): Setup[] => [
  [suite, 'added'],
  [suite, 'slots'],
]);
const SOME: readonly Setup[] = [
  ['bookworm', 'added'],
  ['bookworm', 'slots'],
  ['sid', 'added'],
];

for (const [suite, kind] of process.env.SWAPCTL_TEST_LONG === '1' ? ALL : SOME)
  trafficDriverContract({
    name: `HAProxy ${proxyVersion(suite, 'haproxy')}, ${kind} servers`,
    skip: missingProxies(suite),
    forgetsRolls: kind === 'slots',
    driver: haproxyDriver,
    start: (t, routes) => start(t, routes, suite, kind),
  });
