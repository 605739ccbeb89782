// Caddy under the contract of a traffic driver, changed by its configuration and by files.
import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { hostAccess } from '../../../src/adapters/traffic/access/host.ts';
import { caddyDriver } from '../../../src/adapters/traffic/caddy/driver.ts';
import { type RunningProxy, servers, trafficDriverContract } from '../../contract/traffic-driver.ts';
import { CADDIES } from '../../lab/caddy.ts';
import { missingProgram } from '../../lab/missing.ts';
import { freePort } from '../../lab/port.ts';
import { filesIn, proxyFolder } from '../../lab/proxies.ts';
import { startProxy } from '../../lab/proxy-process.ts';

/** `config`: swapctl changes the configuration. `files`: it changes the files that the configuration reads. */
type Kind = 'config' | 'files';
type Routes = Readonly<Record<'web' | 'api', string>>;

const ROUTES = ['web', 'api'] as const;

async function start(t: TestContext, routes: Routes, program: string, kind: Kind): Promise<RunningProxy> {
  const folder = proxyFolder(t);
  const conf = path.join(folder, 'conf');
  mkdirSync(conf);
  const [admin, ports] = [await freePort(), { web: await freePort(), api: await freePort() }];
  const [certificate, key] = certificateIn(folder);
  const file = path.join(conf, 'caddy.json');
  const text = config(conf, { admin, ports, routes, kind, certificate, key });
  writeFileSync(file, text);
  for (const route of ROUTES) if (kind === 'files') writeFileSync(path.join(conf, `${route}.addr`), routes[route]);
  const caddy = await startProxy(t, folder, [program, 'run', '--config', file], [admin, ...Object.values(ports)]);
  return {
    access: hostAccess('caddy', file),
    url: (route) => `http://127.0.0.1:${ports[route]}/`,
    stop: caddy.stop,
    restart: async () => {
      await caddy.stop();
      await caddy.restart();
    },
    generation: async () => {
      const changes = caddy.log().match(/"method":"(PATCH|POST|PUT|DELETE)"/g)?.length ?? 0;
      const inodes = Object.keys(filesIn(conf)).map((name) => statSync(path.join(conf, name)).ino);
      return [caddy.pid(), changes, ...inodes].join(' ');
    },
    files: async () => filesIn(conf),
    spoil: async () => writeFileSync(file, text.replace('{', '{,')),
    repair: async () => writeFileSync(file, text),
    // Several servers require a reload in both kinds, and a missing certificate makes Caddy refuse it.
    refuse: async () => {
      renameSync(certificate, `${certificate}.away`);
      const ready = { state: 'ready', weight: 1 } as const;
      return {
        wanted: servers({ address: routes.web, ...ready }, { address: routes.api, ...ready }),
        words: /site\.crt: no such file/,
      };
    },
  };
}

function certificateIn(folder: string): readonly [string, string] {
  const [certificate, key] = [path.join(folder, 'site.crt'), path.join(folder, 'site.key')];
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  execFileSync('openssl', [...request, '-subj', '/CN=a', '-keyout', key, '-out', certificate], { stdio: 'pipe' });
  return [certificate, key];
}

interface Parts {
  readonly admin: number;
  readonly ports: Readonly<Record<'web' | 'api', number>>;
  readonly routes: Routes;
  readonly kind: Kind;
  readonly certificate: string;
  readonly key: string;
}

function config(conf: string, { admin, ports, routes, kind, certificate, key }: Parts): string {
  const handler = (route: 'web' | 'api') => ({
    handler: 'reverse_proxy',
    upstreams: [{ dial: kind === 'files' ? `{file.${conf}/${route}.addr}` : routes[route] }],
    ...(kind === 'files' ? { load_balancing: { try_duration: '30s' } } : { '@id': route }),
  });
  const server = (route: 'web' | 'api') => ({
    listen: [`127.0.0.1:${ports[route]}`],
    automatic_https: { disable: true },
    routes: [{ handle: [handler(route)] }],
  });
  const apps = {
    http: { servers: { web: server('web'), api: server('api') } },
    tls: { certificates: { load_files: [{ certificate, key }] } },
  };
  return JSON.stringify({ admin: { listen: `localhost:${admin}` }, apps }, undefined, 2);
}

for (const { version, program, readsFiles, skip } of CADDIES)
  for (const kind of readsFiles ? (['config', 'files'] as const) : (['config'] as const))
    trafficDriverContract({
      name: `Caddy ${version()}, changed by its ${kind}`,
      skip: skip || missingProgram('openssl'),
      ...(kind === 'config' && { cannot: { 3: 'a reload of Caddy resets connections' } }),
      driver: caddyDriver,
      start: (t, routes) => start(t, routes, program(), kind),
    });
