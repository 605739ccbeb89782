import type { IncomingHttpHeaders } from 'node:http';
import pRetry from 'p-retry';
import type { SwapError } from '../../../core/model/error.ts';
import type { Clock } from '../../../ports/host.ts';
import { noteCall } from '../../trace/calls.ts';
import { bareHost, isInnerAddress, refusedAddress } from './addresses.ts';
import { CONNECTIONS, type Connections, type Timeouts } from './connections.ts';
import { type Dial, innerHosts, type Route, TIMEOUTS } from './dial.ts';
import { type Gate, hostGate, limiter, retryAfterMs } from './pace.ts';
import { codeOf, problem, unreachable } from './problem.ts';

export interface Call {
  readonly method: 'HEAD' | 'GET' | 'POST';
  readonly url: URL;
  /** The registry (`host:port`) of the call, even if the call goes to another host. */
  readonly registry: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The maximum size of an answer in bytes. */
  readonly limit: number;
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The final URL. */
  readonly url: URL;
}

/** Sends a call and resolves with the answer, whatever its status; raises `registry-unreachable`, `rate-limited`, `bad-answer`. */
export type Send = (call: Call) => Promise<Answer>;

const MOST_REDIRECTS = 4;
const RETRIES = { retries: 2, minTimeout: 250, factor: 3, randomize: true };
/** How often a host may ask for a pause before the call ends with an error. */
const MOST_WAITS = 2;

/** A host out of reach is not tried again for this time: all queued calls would wait in vain. */
const DOWN_MS = 20_000;

interface Place {
  readonly gate: Gate;
  readonly limited: ReturnType<typeof limiter>;
  down: { readonly until: number; readonly error: unknown } | undefined;
}

/**
 * HTTP for registries: a few concurrent requests to each host; broken connections and 5xx are retried, with jitter; 429 and
 * Retry-After pause all requests to the host; redirects are followed without credentials.
 */
export function openHttp(dial: Dial, clock: Clock, timeouts: Timeouts = TIMEOUTS): Send {
  const places = new Map<string, Place>();
  const isInner = innerHosts();
  const placeOf = (host: string): Place => {
    const place = places.get(host) ?? { gate: hostGate(host, clock), limited: limiter(CONNECTIONS), down: undefined };
    places.set(host, place);
    return place;
  };

  const paced = async (call: Call, route: Route): Promise<Answer> => {
    const place = placeOf(call.url.host);
    const { gate, limited } = place;
    for (let waits = 0; ; waits++) {
      const answer = await limited(async () => {
        await gate.pass(call.signal);
        if (place.down && clock.now() < place.down.until) throw place.down.error;
        return tried(call, route, dial, timeouts).catch((error) => {
          if (isDown(error) && !call.signal.aborted) place.down = { until: clock.now() + DOWN_MS, error };
          throw error;
        });
      });
      const quiet = retryAfterMs(headerOf(answer.headers, 'retry-after'), clock.now());
      const asksForQuiet = answer.status === 429 || (answer.status === 503 && quiet !== undefined);
      if (!asksForQuiet) return answer;
      gate.close(quiet);
      if (waits === MOST_WAITS)
        throw problem('rate-limited', `${call.url.host} goes on asking for quiet`, 'try again later');
    }
  };

  return async (first) => {
    let call = first;
    for (let redirects = 0; ; redirects++) {
      const route = {
        registry: first.registry,
        outerOnly: await isRedirectedInside(call.url, first.registry, isInner),
      };
      const answer = await paced(call, route).catch((error) => rethrow(call, error));
      const target = redirectTarget(call, answer);
      if (!target) return answer;
      if (redirects === MOST_REDIRECTS) throw problem('bad-answer', `${first.url.host} redirects without end`);
      call = redirected(call, target);
    }
  };
}

function rethrow(call: Call, error: unknown): never {
  call.signal.throwIfAborted();
  throw unreachable(call.url.host, error);
}

// Only a registry at an inner address may redirect to others there.
async function isRedirectedInside(
  url: URL,
  registry: string,
  isInner: (host: string) => Promise<boolean>,
): Promise<boolean> {
  if (url.host === registry) return false;
  return !(await isInner(new URL(`https://${registry}`).hostname));
}

async function tried(call: Call, route: Route, dial: Dial, timeouts: Timeouts): Promise<Answer> {
  if (route.outerOnly && isInnerAddress(bareHost(call.url.hostname))) throw refusedAddress(call.url.hostname);
  const way = await dial.way(call.url, route);
  let last: Answer | undefined;
  const attempt = async (): Promise<Answer> => {
    last = undefined;
    last = await exchange(call, way, timeouts);
    if (BROKEN.has(last.status) && last.headers['retry-after'] === undefined) throw new Error(`HTTP ${last.status}`);
    return last;
  };
  const shouldRetry = ({ error }: { error: Error }): boolean => !call.signal.aborted && isPassing(error, last);
  try {
    return await pRetry(attempt, { ...RETRIES, signal: call.signal, shouldRetry });
  } catch (error) {
    if (last !== undefined && !call.signal.aborted) return last;
    throw error;
  }
}

const DOWN =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ERR_NO_(ANSWER|END)|UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT)$/;

function isDown(error: unknown): boolean {
  return DOWN.test(codeOf(error)) || (error as Error).name === 'TimeoutError';
}

const BROKEN = new Set([500, 502, 503, 504]);
const PASSING = /^(ECONNRESET|ECONNREFUSED|EPIPE|EAI_AGAIN|UND_ERR_SOCKET)$/;

// A call that took its whole time is not retried: others wait for their turn.
function isPassing(error: unknown, answer: Answer | undefined): boolean {
  return answer !== undefined || PASSING.test(codeOf(error));
}

async function exchange(call: Call, way: Connections, timeouts: Timeouts): Promise<Answer> {
  const signal = AbortSignal.any([call.signal, AbortSignal.timeout(timeouts.attempt)]);
  const { method, url, headers, body } = call;
  const ended = noteCall('registry', () => shownCall(call));
  try {
    const answer = await way.exchange({ method, url, headers, signal, ...(body === undefined ? {} : { body }) });
    const whole = { status: answer.status, headers: answer.headers, body: await read(answer.body, call), url };
    ended(whole.status);
    return whole;
  } catch (error) {
    ended(codeOf(error) || 'failed');
    signal.throwIfAborted();
    throw error;
  }
}

/** Renders a call without login and query. A redirect to another host may carry a signature in its path, so that path is hidden. */
export function shownCall({ method, url, registry }: Pick<Call, 'method' | 'url' | 'registry'>): string {
  return `${method} ${url.origin}${url.host === registry ? url.pathname : '/…'}`;
}

async function read(body: AsyncIterable<Buffer>, call: Call): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > call.limit) throw tooMuch(call);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tooMuch({ url, limit }: Call): SwapError {
  return problem('bad-answer', `${url.host} sends more than ${limit} bytes where that can't be right`);
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

function redirectTarget({ method, url }: Call, { status, headers }: Answer): URL | undefined {
  const location = headerOf(headers, 'location');
  if (!REDIRECTS.has(status) || location === undefined || method === 'POST') return undefined;
  const target = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
  const downgrade = url.protocol === 'https:' && target?.protocol !== 'https:';
  if (!target || downgrade || !/^https?:$/.test(target.protocol) || target.username !== '')
    throw problem('bad-answer', `${url.host} redirects to where nobody should follow`);
  return target;
}

// Credentials are only for the host that asked for them.
function redirected(call: Call, url: URL): Call {
  if (url.origin === call.url.origin) return { ...call, url };
  const { authorization: _, ...headers } = call.headers;
  return { ...call, url, headers };
}

/** The value of a header that must be unique. */
export function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}
