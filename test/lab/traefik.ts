// Traefik as a process of this machine, if SWAPCTL_TEST_PROXIES names a folder that has it.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { hostAccess } from '../../src/adapters/traffic/access/host.ts';
import { traefikDriver } from '../../src/adapters/traffic/traefik/driver.ts';
import type { ProxyAccess } from '../../src/ports/proxy-access.ts';
import type { TrafficDriver } from '../../src/ports/traffic-driver.ts';
import { freePort } from './port.ts';
import { proxyFolder } from './proxies.ts';
import { type ProxyRun, startProxy } from './proxy-process.ts';

const TRAEFIK = path.join(process.env.SWAPCTL_TEST_PROXIES ?? '', 'traefik');

export const missingTraefik =
  !existsSync(TRAEFIK) && 'needs Traefik: SWAPCTL_TEST_PROXIES=FOLDER with a program traefik';

/** What the program calls itself; `dev` if it was built without a release. */
export function traefikVersion(): string {
  if (missingTraefik) return 'that is not here';
  return /Version:\s+(\S+)/.exec(execFileSync(TRAEFIK, ['version'], { encoding: 'utf8' }))?.[1] ?? '';
}

export interface Traefik {
  readonly run: ProxyRun;
  readonly access: ProxyAccess;
  readonly driver: TrafficDriver;
  /** Where clients ask for a service, with a slash at the end. */
  readonly url: (service: string) => string;
  /** Of the file provider. */
  readonly folder: string;
  /** A path of its API. */
  readonly api: (path: string) => string;
}

/** Starts Traefik with services by name, each with one server and an entry point of its own. */
export async function startTraefik(
  t: TestContext,
  services: Readonly<Record<string, string>>,
  { throttle = '200ms', more = [] as readonly string[] } = {},
): Promise<Traefik> {
  const folder = proxyFolder(t);
  const names = Object.keys(services);
  const ports = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await freePort()] as const)));
  const api = await freePort();
  const dynamic = path.join(folder, 'dynamic');
  const file = path.join(folder, 'traefik.yml');
  mkdirSync(dynamic);
  writeFileSync(file, staticText({ ...ports, swapctl: api }, dynamic, throttle));
  writeFileSync(path.join(dynamic, 'routers.yml'), routersText(names));
  for (const [name, address] of Object.entries(services)) {
    writeFileSync(path.join(dynamic, `swapctl-${name}.yml`), serviceText(name, address));
  }
  const argv = [TRAEFIK, `--configfile=${file}`, ...more];
  const run = await startProxy(t, folder, argv, [...Object.values(ports), api]);
  const access = hostAccess('traefik', `--configfile=${file}`);
  return {
    run,
    access,
    driver: traefikDriver(access),
    url: (service) => `http://127.0.0.1:${ports[service]}/`,
    folder: dynamic,
    api: (rest) => `http://127.0.0.1:${api}/api${rest}`,
  };
}

/** The file of a service as its owner writes it. */
function serviceText(name: string, address: string): string {
  return `# the service ${name}
http:
  services:
    ${name}:
      loadBalancer:
        passHostHeader: true
        servers:
          - url: "http://${address}"
`;
}

function staticText(ports: Readonly<Record<string, number>>, folder: string, throttle: string): string {
  const points = Object.entries(ports).map(([name, port]) => `  ${name}: { address: "127.0.0.1:${port}" }`);
  return `global: { checkNewVersion: false, sendAnonymousUsage: false }
log: { level: DEBUG }
api: {}
entryPoints:
${points.join('\n')}
providers:
  providersThrottleDuration: ${throttle}
  file: { directory: ${folder} }
`;
}

function routersText(names: readonly string[]): string {
  const router = (name: string, prefix: string, point: string, service: string) =>
    `    ${name}: { rule: "PathPrefix(\`${prefix}\`)", entryPoints: [${point}], service: ${service} }`;
  const routers = names.map((name) => router(name, '/', name, `${name}@file`));
  return `http:
  routers:
${[router('swapctl-api', '/api', 'swapctl', 'api@internal'), ...routers].join('\n')}
`;
}
