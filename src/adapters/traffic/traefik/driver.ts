import { setTimeout as delay } from 'node:timers/promises';
import { fail, messageOf } from '../../../core/model/error.ts';
import { isRouteName } from '../../../core/proxy/place.ts';
import type { ObservedRoute, ObservedServer, ProxyFacts, Wanted } from '../../../core/proxy/route.ts';
import type { ProxyAccess } from '../../../ports/proxy-access.ts';
import type { TrafficDriver } from '../../../ports/traffic-driver.ts';
import { mustBeSafe, refusedBy } from '../checked.ts';
import { type Api, type ApiServer, type ApiService, openApi } from './api.ts';
import { checkFolder } from './folder.ts';
import { addressOf, fileNameOf, overlaid, parseServiceFile, type ServiceFile } from './service-file.ts';
import { readStatic, type Static } from './static.ts';

const BETWEEN_LOOKS_MS = 50;
// Traefik waits for its throttle, then builds the handlers of all routers.
const NUDGE_AFTER_MS = 2000;
const AWAIT_MS = 20_000;

/**
 * Traefik, by a file of its file provider for each route, and by its API, which shows what it acts on. The router stays its
 * owner's, and names the service `ROUTE@file`.
 */
export function traefikDriver(access: ProxyAccess): TrafficDriver {
  return new TraefikDriver(access);
}

class TraefikDriver implements TrafficDriver {
  readonly #access: ProxyAccess;

  constructor(access: ProxyAccess) {
    this.#access = access;
  }

  async facts(signal: AbortSignal): Promise<ProxyFacts> {
    const { settings, api } = await this.#open(signal);
    await checkFolder(this.#access, settings.folder, signal);
    return {
      driver: 'traefik',
      version: api.version,
      countsInFlight: false,
      weights: true,
      hold: 'no',
      keepsIdleClients: true,
      keepsStreams: true,
      minMsBetween: settings.throttleMs,
      warnings: [
        'Traefik does not count the requests of a server: swapctl waits for the open connections of the old container',
        `Traefik takes one change every ${settings.throttleMs / 1000} s (providersThrottleDuration)`,
      ],
    };
  }

  async route(name: string, signal: AbortSignal): Promise<ObservedRoute | undefined> {
    if (!isRouteName(name)) return undefined;
    const { settings, api } = await this.#open(signal);
    const service = await api.service(name, signal);
    const file = await this.#read(settings, name, signal);
    return service && file && observed(file, service);
  }

  async apply(name: string, wanted: Wanted, signal: AbortSignal): Promise<void> {
    mustBeSafe(name, wanted);
    if (wanted.kind === 'held') return cannotHold(name);
    const { settings, api } = await this.#open(signal);
    const file = (await this.#read(settings, name, signal)) ?? noRoute(settings, name);
    const text = wanted.kind === 'baseline' ? (file.marker?.baseline ?? file.text) : overlaid(name, file, wanted);
    const next = parseServiceFile(name, text) ?? noRoute(settings, name);
    const path = `${settings.folder}/${fileNameOf(name)}`;
    if (text !== file.text) await this.#access.write(path, text, signal);
    const why = await this.#whyNotTaken(name, next.servers, settings, api, signal);
    if (why === undefined) return;
    if (text !== file.text) await this.#access.write(path, file.text, signal);
    await this.#whyNotTaken(name, file.servers, settings, api, signal);
    refusedBy('Traefik', name, why, `${path} is as before, and so is the route; Traefik's log says more`);
  }

  /** Waits until Traefik acts on these servers; else the reason why it does not. */
  async #whyNotTaken(
    name: string,
    servers: readonly ApiServer[],
    { folder, throttleMs }: Static,
    api: Api,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const looks = Math.ceil((throttleMs + AWAIT_MS) / BETWEEN_LOOKS_MS);
    const nudge = Math.ceil((throttleMs + NUDGE_AFTER_MS) / BETWEEN_LOOKS_MS);
    for (let look = 0; look < looks; look += 1) {
      if (look > 0) await delay(BETWEEN_LOOKS_MS, undefined, { signal });
      // Its watcher does not see every file system; the signal makes it read all files again.
      if (look === nudge) await this.#access.kill('HUP', signal);
      const service = await api.service(name, signal);
      if (!isLike(service, servers)) continue;
      if (service && service.errors.length > 0) return service.errors.join('; ');
      if (look === 0) return undefined;
      // Traefik switches its entry points one after the other, and the API's may be the first.
      await delay(BETWEEN_LOOKS_MS, undefined, { signal });
      return undefined;
    }
    const broken = await checkFolder(this.#access, folder, signal).then(() => undefined, messageOf);
    return broken ?? `it has not taken the file within ${Math.round((throttleMs + AWAIT_MS) / 1000)} s`;
  }

  async #open(signal: AbortSignal): Promise<{ settings: Static; api: Api }> {
    const settings = await readStatic(this.#access, signal);
    return { settings, api: await openApi(this.#access, settings, signal) };
  }

  async #read({ folder }: Static, name: string, signal: AbortSignal): Promise<ServiceFile | undefined> {
    const text = await this.#access.read(`${folder}/${fileNameOf(name)}`, signal);
    return text === undefined ? undefined : parseServiceFile(name, text);
  }
}

/** The servers that Traefik has are ready, whatever the file says. */
function observed({ marker }: ServiceFile, { servers }: ApiService): ObservedRoute {
  const acting = servers.map((server) => ({ address: addressOf(server), weight: server.weight ?? 1 }));
  const others = acting.filter(({ address }) => !marker?.wanted.servers.some((one) => one.address === address));
  const unknown = others.map((one): ObservedServer => ({ ...one, state: 'ready' }));
  if (!marker) return { wanted: { kind: 'baseline' }, servers: unknown };
  const known = marker.wanted.servers.map((server): ObservedServer => {
    if (acting.some(({ address }) => address === server.address)) return { ...server, state: 'ready' };
    return server.state === 'ready' ? { ...server, state: 'off' } : server;
  });
  return { wanted: marker.wanted, servers: [...known, ...unknown] };
}

function isLike(service: ApiService | undefined, wanted: readonly ApiServer[]): boolean {
  const key = (servers: readonly ApiServer[]) =>
    servers
      .map(({ url, weight }) => `${weight ?? 1} ${url}`)
      .sort()
      .join();
  return service !== undefined && key(service.servers) === key(wanted);
}

function cannotHold(name: string): never {
  return fail('proxy-refused', `Traefik cannot hold the requests of ${name}`, { hint: 'remove swapctl.proxy.hold' });
}

function noRoute({ folder }: Static, name: string): never {
  return fail('proxy-config', `Traefik has no service ${name} with servers in ${folder}/${fileNameOf(name)}`, {
    hint: `\`swapctl proxy init\` prints the file; the router of the service names it as ${name}@file`,
  });
}
