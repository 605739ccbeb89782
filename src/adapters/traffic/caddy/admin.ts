import { setTimeout as delay } from 'node:timers/promises';
import { fail, SwapError } from '../../../core/model/error.ts';
import { sanitizeText } from '../../../core/text/sanitize.ts';
import type { ProxyAccess, ProxyAnswer, ProxyRequest, ProxySocket } from '../../../ports/proxy-access.ts';
import { refusedBy } from '../checked.ts';
import type { Json } from './json.ts';
import { namedAdmins } from './process.ts';

// Its own default, and the socket that its package and this project's guide use.
const USUAL: readonly ProxySocket[] = [{ host: '127.0.0.1', port: 2019 }, { path: '/run/caddy/admin.sock' }];

const HINT =
  'swapctl asks at the address in CADDY_ADMIN or in the configuration file of Caddy, at localhost:2019 and at ' +
  '/run/caddy/admin.sock; remove `admin off` from its configuration';

const MOST_TRIES = 4;
const MOST_WORDS = 600;
const BETWEEN_TRIES_MS = 100;

/** A part of the configuration, and what a change of it must match. */
export interface Part {
  readonly value: Json;
  readonly tag: string;
}

/** Caddy's admin API. */
export class Admin {
  readonly #access: ProxyAccess;
  #socket: ProxySocket | undefined;

  constructor(access: ProxyAccess) {
    this.#access = access;
  }

  /** A part of the running configuration; undefined if there is none. */
  async part(path: string, signal: AbortSignal): Promise<Part | undefined> {
    const at = `/config/${path}`;
    const answer = await this.#get({ method: 'GET', path: at }, signal);
    if (answer.status === 404 || answer.status === 400) return undefined;
    if (answer.status !== 200) return unreadable(answer);
    return { value: JSON.parse(answer.body), tag: answer.headers.etag ?? tagOf(at, answer.body) };
  }

  /**
   * Replaces a part of the configuration for a route; Caddy loads it before it answers. False: try again, because another client changed
   * it since `tag`, or the answer got lost. Raises `proxy-refused`.
   */
  async replace(route: string, path: string, { value, tag }: Part, signal: AbortSignal): Promise<boolean> {
    const headers = { 'content-type': 'application/json', 'if-match': tag };
    const body = JSON.stringify(value);
    const answer = await orHungUp(this.#ask({ method: 'PATCH', path: `/config/${path}`, headers, body }, signal));
    if (answer === undefined || answer.status === 412 || answer.status === 404) return false;
    if (answer.status !== 200) {
      return refusedBy(
        'Caddy',
        route,
        wordsOf(answer),
        'the configuration before is in force; correct what Caddy names',
      );
    }
    return true;
  }

  /** Requests under way, by the address of the upstream as the configuration names it. */
  async inFlight(signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
    const answer = await this.#get({ method: 'GET', path: '/reverse_proxy/upstreams' }, signal);
    if (answer.status !== 200) return new Map();
    const upstreams: readonly { address: string; num_requests: number }[] = JSON.parse(answer.body) ?? [];
    return new Map(upstreams.map(({ address, num_requests }) => [address, num_requests]));
  }

  // Caddy closes the connections of its admin API at every change of the configuration.
  async #get(request: ProxyRequest, signal: AbortSignal): Promise<ProxyAnswer> {
    for (let tries = 1; tries < MOST_TRIES; tries += 1) {
      const answer = await orHungUp(this.#ask(request, signal));
      if (answer !== undefined) return answer;
      await delay(BETWEEN_TRIES_MS, undefined, { signal });
    }
    return this.#ask(request, signal);
  }

  async #ask(request: ProxyRequest, signal: AbortSignal): Promise<ProxyAnswer> {
    if (this.#socket !== undefined) return this.#access.http(this.#socket, named(this.#socket, request), signal);
    const failures: unknown[] = [];
    for (const socket of await this.#candidates(signal)) {
      try {
        const answer = await this.#access.http(socket, named(socket, request), signal);
        this.#socket = socket;
        return answer;
      } catch (error) {
        if (!(error instanceof SwapError) || error.code !== 'proxy-unreachable') throw error;
        failures.push(error);
      }
    }
    return away(failures);
  }

  async #candidates(signal: AbortSignal): Promise<readonly ProxySocket[]> {
    const named = (await namedAdmins(this.#access, signal)).map(socketOf).filter((socket) => socket !== undefined);
    return [...named, ...USUAL];
  }
}

/** The socket of an address as Caddy writes it: `unix//run/caddy.sock|0660`, `localhost:2019`, `:2019`. */
export function socketOf(address: string): ProxySocket | undefined {
  const [, path] = /^unix\/(\/[^|]*)(?:\|\d+)?$/.exec(address) ?? [];
  if (path !== undefined) return { path };
  const [, host = '', port] = /^(?:tcp\/)?(\[[^\]]*\]|[^:/]*):(\d+)$/.exec(address) ?? [];
  if (port === undefined) return undefined;
  const anywhere = ['', '0.0.0.0', '[::]', 'localhost'].includes(host);
  return { host: anywhere ? '127.0.0.1' : host.replace(/^\[|\]$/g, ''), port: Number(port) };
}

async function orHungUp(asked: Promise<ProxyAnswer>): Promise<ProxyAnswer | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof SwapError && error.code === 'proxy-unreachable') return undefined;
    throw error;
  }
}

// Caddy answers 403 to any other name than that of its listener.
function named(socket: ProxySocket, request: ProxyRequest): ProxyRequest {
  if (!('path' in socket)) return request;
  return { ...request, headers: { ...request.headers, host: '127.0.0.1' } };
}

/** Caddy 2.6 sends the tag behind the body. It is the path and the 32-bit FNV-1a hash of the body. */
function tagOf(path: string, body: string): string {
  const hash = Buffer.from(body, 'utf8').reduce((sum, byte) => Math.imul(sum ^ byte, 0x01000193) >>> 0, 0x811c9dc5);
  return `"${path} ${hash.toString(16).padStart(8, '0')}"`;
}

function wordsOf({ status, body }: ProxyAnswer): string {
  try {
    return String(JSON.parse(body).error).slice(0, MOST_WORDS);
  } catch {
    return body.trim().slice(0, MOST_WORDS) || `it answers ${status}`;
  }
}

function unreadable(answer: ProxyAnswer): never {
  return fail(
    'proxy-unreachable',
    `Caddy's admin API does not show the configuration: ${sanitizeText(wordsOf(answer))}`,
    {
      hint: HINT,
    },
  );
}

function away(failures: readonly unknown[]): never {
  const why = failures.map((error) => (error instanceof Error ? error.message : String(error))).join('; ');
  return fail('proxy-unreachable', `Caddy's admin API does not answer: ${why}`, { hint: HINT, cause: failures[0] });
}
