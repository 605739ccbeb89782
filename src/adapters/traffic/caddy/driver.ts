import { fail } from '../../../core/model/error.ts';
import { isRouteName } from '../../../core/proxy/place.ts';
import type { ObservedRoute, ObservedServer, ProxyFacts, Server, Wanted } from '../../../core/proxy/route.ts';
import type { ProxyAccess } from '../../../ports/proxy-access.ts';
import type { TrafficDriver } from '../../../ports/traffic-driver.ts';
import { mustBeSafe } from '../checked.ts';
import { isAtLeast } from '../version.ts';
import { addressIn, fits, readState, restoreBaseline, serversBy, writeOverlay } from './address-file.ts';
import { Admin } from './admin.ts';
import {
  COUNTS_BY_ADDRESS,
  factsOf,
  HAS_WEIGHTS,
  IGNORES_LINE_BREAK,
  isByFile,
  READS_FILES,
  tryMsOf,
} from './facts.ts';
import { type AddressFile, dialsOf, type Handler, handlersOf } from './handlers.ts';
import { patchRoute, runningHandlers, SERVERS } from './patch.ts';
import { checkFile, versionOf } from './process.ts';

/**
 * Caddy, by its admin API. A handler that reads its upstream from a file is changed through that file, without a reload; every
 * other one through the configuration, which Caddy reloads.
 */
export function caddyDriver(access: ProxyAccess): TrafficDriver {
  return new CaddyDriver(access);
}

class CaddyDriver implements TrafficDriver {
  readonly #access: ProxyAccess;
  readonly #admin: Admin;
  #known: string | undefined;

  constructor(access: ProxyAccess) {
    this.#access = access;
    this.#admin = new Admin(access);
  }

  async facts(signal: AbortSignal, route?: string): Promise<ProxyFacts> {
    const all = await runningHandlers(this.#admin, signal);
    if (all.length === 0)
      return fail('proxy-config', 'Caddy has no reverse_proxy in its configuration', { hint: INIT });
    this.#known = undefined;
    await checkFile(this.#access, signal);
    const version = await this.#version(signal);
    const handlers = route === undefined ? all : await this.#handlers(route, signal);
    await this.#checkFiles(handlers, version, signal);
    return factsOf(version, handlers.length === 0 ? all : handlers);
  }

  async route(name: string, signal: AbortSignal): Promise<ObservedRoute | undefined> {
    if (!isRouteName(name)) return undefined;
    const handlers = await this.#handlers(name, signal);
    const [first] = handlers;
    if (first === undefined) return undefined;
    const { marker, file } = first;
    return file && !marker ? this.#seenInFile(file, signal) : this.#seenInConfig(first, signal);
  }

  async apply(name: string, wanted: Wanted, signal: AbortSignal): Promise<void> {
    mustBeSafe(name, wanted);
    const handlers = await this.#handlers(name, signal);
    if (handlers.length === 0) return noRoute(name);
    const version = await this.#version(signal);
    await this.#checkFiles(handlers, version, signal);
    if (wanted.kind === 'held') checkHold(name, version, handlers, wanted.longestMs);
    const files = filesOf(handlers);
    if (wanted.kind === 'baseline') return this.#restore(name, files, signal);
    if (isByFile(handlers) && handlers.every(({ marker, file }) => !marker && file && fits(file, wanted))) {
      for (const file of files) await writeOverlay(this.#access, file, wanted, signal);
    } else {
      await this.#patch(name, wanted, version, signal);
    }
  }

  // The handlers read the file again as soon as they are back.
  async #restore(name: string, files: readonly AddressFile[], signal: AbortSignal): Promise<void> {
    for (const file of files) await restoreBaseline(this.#access, file, signal);
    await this.#patch(name, { kind: 'baseline' }, '', signal);
  }

  async #patch(route: string, wanted: Wanted, version: string, signal: AbortSignal): Promise<void> {
    const hasWeights = isAtLeast(version, HAS_WEIGHTS);
    const find = (abort: AbortSignal) => this.#handlers(route, abort);
    await patchRoute(this.#admin, { route, wanted, hasWeights, find }, signal);
  }

  async #handlers(route: string, signal: AbortSignal): Promise<Handler[]> {
    const part = await this.#admin.part(SERVERS.join('/'), signal);
    return handlersOf(route, part?.value, SERVERS);
  }

  // Requests that began before the roll are counted under the name that the owner wrote; those that drain have them.
  async #seenInConfig({ marker, baseline }: Handler, signal: AbortSignal): Promise<ObservedRoute> {
    const counts = await this.#admin.inFlight(signal);
    const count = (address: string) => counts.get(address) ?? 0;
    if (!marker) return byNames(dialsOf(baseline), count);
    const addresses = new Set(marker.wanted.servers.map(({ address }) => address));
    const names = dialsOf(baseline).filter((dial) => !addresses.has(dial));
    const before = names.reduce((sum, dial) => sum + count(dial), 0);
    const servers = marker.wanted.servers.map((server) => withCount(server, count, before));
    return { wanted: marker.wanted, servers };
  }

  async #seenInFile(file: AddressFile, signal: AbortSignal): Promise<ObservedRoute> {
    const state = await readState(this.#access, file, signal);
    const wanted = state.overlay?.wanted ?? ({ kind: 'baseline' } as const);
    const servers = serversBy(file, state);
    if (!isAtLeast(await this.#version(signal), COUNTS_BY_ADDRESS)) return { wanted, servers };
    const counts = await this.#admin.inFlight(signal);
    const count = (address: string) => counts.get(address) ?? 0;
    const name = state.overlay && addressIn(file, state.overlay.baseline);
    const before = name === undefined || servers.some(({ address }) => address === name) ? 0 : count(name);
    return { wanted, servers: servers.map((server) => withCount(server, count, before)) };
  }

  async #checkFiles(handlers: readonly Handler[], version: string, signal: AbortSignal): Promise<void> {
    const files = filesOf(handlers);
    if (files.length > 0 && !isAtLeast(version, READS_FILES)) {
      fail('proxy-config', `Caddy ${version} does not read {file.…}, which a reverse_proxy names`, {
        hint: `name the service in it (reverse_proxy web:8080), or take Caddy ${READS_FILES} or newer`,
      });
    }
    for (const file of files) {
      const { text } = await readState(this.#access, file, signal);
      checkText(file, text);
      if (/\s$/.test(text ?? '') && !isAtLeast(version, IGNORES_LINE_BREAK)) hasLineBreak(file, version);
    }
  }

  async #version(signal: AbortSignal): Promise<string> {
    this.#known ??= await versionOf(this.#access, signal);
    return this.#known;
  }
}

const INIT = '`swapctl proxy init` prints what to put in';

function byNames(dials: readonly string[], count: (address: string) => number): ObservedRoute {
  const servers = dials.map((address) => ({ address, state: 'ready', weight: 1, inFlight: count(address) }) as const);
  return { wanted: { kind: 'baseline' }, servers };
}

function withCount(server: Server, count: (address: string) => number, before: number): ObservedServer {
  return { ...server, inFlight: count(server.address) + (server.state === 'draining' ? before : 0) };
}

function filesOf(handlers: readonly Handler[]): AddressFile[] {
  const files = handlers.flatMap(({ file }) => (file ? [file] : []));
  return files.filter((file, at) => files.findIndex(({ path }) => path === file.path) === at);
}

function checkText(file: AddressFile, text: string | undefined): void {
  const word = text?.trim() ?? '';
  if (word === '' || /\s/.test(word)) {
    fail(
      'proxy-config',
      `Caddy reads ${file.path}, and it ${text === undefined ? 'does not exist' : 'names no server'}`,
      {
        hint: `write the name of the service into it: printf web > ${file.path}`,
      },
    );
  }
  // The Caddyfile adds port 80 to an upstream without a port.
  if (file.port === undefined || !/^[^[\]]*:|\]:/.test(word)) return;
  fail('proxy-config', `Caddy reads ${file.path} and adds :${file.port}, and the file names a port as well (${word})`, {
    hint: `write the port into the configuration, {file.${file.path}}:8080 for example, and the name alone into the file`,
  });
}

function hasLineBreak(file: AddressFile, version: string): never {
  return fail('proxy-config', `Caddy ${version} takes the line break in ${file.path} for a part of the name`, {
    hint: `write it without one: printf web > ${file.path}`,
  });
}

function checkHold(name: string, version: string, handlers: readonly Handler[], longestMs: number): void {
  if (factsOf(version, handlers).hold === 'no') {
    fail('proxy-refused', `Caddy cannot hold requests of the route ${name} in this configuration`, {
      hint: 'it takes Caddy 2.11.2, {file.…} in reverse_proxy, lb_try_duration, and no fail_duration',
    });
  }
  const least = Math.min(...handlers.map(tryMsOf));
  if (longestMs <= least) return;
  fail(
    'proxy-refused',
    `Caddy holds requests of the route ${name} for ${least / 1000} s, and ${longestMs / 1000} s are wanted`,
    {
      hint: `raise lb_try_duration to ${Math.ceil(longestMs / 1000)}s, or lower swapctl.proxy.hold`,
    },
  );
}

function noRoute(name: string): never {
  return fail('proxy-config', `Caddy has no route ${name}`, {
    hint: `name the service in a reverse_proxy, or its handler by "@id": "${name}"; ${INIT}`,
  });
}
