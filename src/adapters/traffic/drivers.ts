import { fail } from '../../core/model/error.ts';
import { isOnHost } from '../../core/proxy/place.ts';
import { consentNotes, type Snippet, type SnippetDesk, type SnippetWish } from '../../core/proxy/snippet.ts';
import type { ProxyAccess } from '../../ports/proxy-access.ts';
import type { TrafficDriver } from '../../ports/traffic-driver.ts';
import { containerAccess, type ProxyEngine } from './access/container.ts';
import { hostAccess } from './access/host.ts';
import { caddyDriver } from './caddy/driver.ts';
import { caddySnippet } from './caddy/snippet.ts';
import { haproxyDriver } from './haproxy/driver.ts';
import { haproxySnippet } from './haproxy/snippet.ts';
import { nginxDriver } from './nginx/driver.ts';
import { nginxSnippet } from './nginx/snippet.ts';
import { traefikDriver } from './traefik/driver.ts';
import { traefikSnippet } from './traefik/snippet.ts';

/** A kind of proxy: the name of its program, its driver, and what its configuration needs. */
interface Kind {
  readonly program: string;
  readonly driver: (access: ProxyAccess) => TrafficDriver;
  readonly snippet: (wish: SnippetWish) => Snippet;
}

/** All kinds of proxies that swapctl drives, by the name that swapctl.proxy has for them. */
const KINDS: Readonly<Record<string, Kind>> = {
  haproxy: { program: 'haproxy', driver: haproxyDriver, snippet: haproxySnippet },
  nginx: { program: 'nginx', driver: nginxDriver, snippet: nginxSnippet },
  caddy: { program: 'caddy', driver: caddyDriver, snippet: caddySnippet },
  traefik: { program: 'traefik', driver: traefikDriver, snippet: traefikSnippet },
};

/** Opens the driver of a proxy; `place`: the id of its container, `host`, or `host:FILE`. */
export type OpenDriver = (place: string) => TrafficDriver;

/** The drivers by name, for proxies in containers of this engine and on this host. */
export function trafficDrivers(engine: ProxyEngine): Readonly<Record<string, OpenDriver>> {
  const opened = Object.entries(KINDS).map(([name, { program, driver }]): [string, OpenDriver] => [
    name,
    (place) => driver(accessTo(engine, place, program)),
  ]);
  return Object.fromEntries(opened);
}

function accessTo(engine: ProxyEngine, place: string, program: string): ProxyAccess {
  if (!isOnHost(place)) return containerAccess(engine, place, program);
  const [, file] = place.split(/:(.*)/s);
  return hostAccess(program, file);
}

/** The snippets of all drivers. */
export const snippetDesk: SnippetDesk = {
  drivers: Object.keys(KINDS),
  snippet: (driver, wish) => {
    const kind = Object.hasOwn(KINDS, driver) ? KINDS[driver] : undefined;
    if (!kind) return unknownDriver(driver);
    const { parts, notes } = kind.snippet(wish);
    return { parts, notes: [...notes, ...consentNotes(wish)] };
  },
};

function unknownDriver(driver: string): never {
  return fail('usage', `unknown driver ${driver}`, { hint: `known: ${Object.keys(KINDS).join(', ')}` });
}
