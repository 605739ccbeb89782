// Caddy as a process of this machine: Debian's 2.6, and a newer one if SWAPCTL_TEST_PROXIES names a folder that has it.
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { folderOf, prepared } from '../../scripts/prepare/cache.mjs';
import { ENTRIES } from '../../scripts/prepare/table.mjs';
import { hostAccess } from '../../src/adapters/traffic/access/host.ts';
import { caddyDriver } from '../../src/adapters/traffic/caddy/driver.ts';
import type { ProxyAccess } from '../../src/ports/proxy-access.ts';
import type { TrafficDriver } from '../../src/ports/traffic-driver.ts';
import type { Backend } from './backend.ts';
import { freePort } from './port.ts';
import { proxyFolder } from './proxies.ts';
import { type ProxyRun, startProxy } from './proxy-process.ts';

const given = process.env.SWAPCTL_TEST_PROXIES;

/** The programs to test, by what they are called in tests; `skip` says why one is missing. */
export const CADDIES = [
  {
    name: 'Caddy of Debian 12',
    readsFiles: false,
    version: () => caddyVersion(path.join(prepared('proxies'), 'usr/bin/caddy')),
    program: () => path.join(prepared('proxies'), 'usr/bin/caddy'),
    skip: !existsSync(folderOf('proxies', ENTRIES.proxies)) && 'needs a download: node scripts/prepare.mjs proxies',
  },
  {
    name: 'Caddy of SWAPCTL_TEST_PROXIES',
    readsFiles: true,
    version: () => caddyVersion(path.join(given ?? '', 'caddy')),
    program: () => path.join(given ?? '', 'caddy'),
    skip:
      !existsSync(path.join(given ?? '', 'caddy')) &&
      'needs a newer Caddy: SWAPCTL_TEST_PROXIES=FOLDER with a program caddy',
  },
] as const;

function caddyVersion(program: string): string {
  try {
    return /\d+\.\d+\.\d+/.exec(execFileSync(program, ['version'], { encoding: 'utf8' }))?.[0] ?? '';
  } catch {
    return 'that is not here';
  }
}

export interface Caddy {
  readonly run: ProxyRun;
  readonly access: ProxyAccess;
  readonly driver: TrafficDriver;
  readonly url: string;
  readonly folder: string;
  /** The running configuration. */
  config(): Promise<string>;
  /** As somebody else changes it. */
  admin(method: 'PATCH' | 'PUT' | 'GET', path: string, body?: unknown): Promise<number>;
}

/** More of a Caddyfile, with a folder and a port of its own. */
export type Sites = (folder: string, port: number) => string;

/** Starts Caddy with a Caddyfile of this site, which gets the folder of its files. */
export async function startCaddy(
  t: TestContext,
  program: string,
  site: (folder: string) => string,
  more: Sites = () => '',
): Promise<Caddy> {
  const folder = proxyFolder(t);
  const [admin, port, other] = [await freePort(), await freePort(), await freePort()];
  const file = path.join(folder, 'Caddyfile');
  const options = `\tadmin localhost:${admin}\n\thttp_port ${port}\n\tauto_https off\n`;
  writeFileSync(file, `{\n${options}}\nhttp://:${port} {\n${site(folder)}\n}\n${more(folder, other)}`);
  const run = await startProxy(t, folder, [program, 'run', '--config', file], [admin, port]);
  const access = hostAccess('caddy', file);
  const ask = (method: 'PATCH' | 'PUT' | 'GET', at: string, body?: unknown) => {
    const headers = { 'content-type': 'application/json' };
    const request = { method, path: at, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
    return patiently(() => access.http({ host: '127.0.0.1', port: admin }, request, t.signal));
  };
  return {
    run,
    access,
    driver: caddyDriver(access),
    url: `http://127.0.0.1:${port}/`,
    folder,
    config: async () => (await ask('GET', '/config/')).body,
    admin: async (method, path, body) => (await ask(method, path, body)).status,
  };
}

/** Caddy closes the connections of its API whenever its configuration changes. */
async function patiently<T>(ask: () => Promise<T>, tries = 5): Promise<T> {
  return tries === 1 ? ask() : ask().catch(() => patiently(ask, tries - 1));
}

/** A site that names the service, whose name leads to a server. */
export function byName({ address }: Backend, more = ''): () => string {
  return () => `\treverse_proxy ${address} {\n${more}\n\t}`;
}

/** A site whose server is in a file. */
export function byFile({ address }: Backend, more = ''): (folder: string) => string {
  const [host = '', port] = address.split(':');
  return (folder) => {
    writeFileSync(path.join(folder, 'web.addr'), host);
    return `\treverse_proxy {file.${folder}/web.addr}:${port} {\n${more}\n\t}`;
  };
}
