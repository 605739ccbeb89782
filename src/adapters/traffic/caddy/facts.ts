import type { ProxyFacts } from '../../../core/proxy/route.ts';
import { isAtLeast } from '../version.ts';
import type { Handler } from './handlers.ts';
import { isObject, type JsonObject } from './json.ts';

/** The first version that reads `{file.PATH}` for each request. */
export const READS_FILES = '2.8.0';
/** The first version that ignores a line break at the end of such a file. */
export const IGNORES_LINE_BREAK = '2.9.0';
/** The first version with a policy by weights. */
export const HAS_WEIGHTS = '2.7.0';
/** The first version that counts the requests of an address that a file names; it also sends the body of a request again. */
export const COUNTS_BY_ADDRESS = '2.11.2';
const KEEPS_STREAMS = '2.7.0';

/** The capabilities of Caddy for routes with these handlers. */
export function factsOf(version: string, handlers: readonly Handler[]): ProxyFacts {
  const byFile = isByFile(handlers);
  const keepsStreams = byFile || (isAtLeast(version, KEEPS_STREAMS) && handlers.every(isSlowToClose));
  return {
    driver: 'caddy',
    version,
    countsInFlight: !byFile || isAtLeast(version, COUNTS_BY_ADDRESS),
    weights: true,
    ...(byFile && isAtLeast(version, COUNTS_BY_ADDRESS) && handlers.every(canHold)
      ? { hold: 'requests', longestHoldMs: Math.min(...handlers.map(tryMsOf)) }
      : { hold: 'no' }),
    keepsIdleClients: byFile,
    keepsStreams,
    minMsBetween: 0,
    warnings: [...(byFile ? byFileWarnings(version) : reloadWarnings(version, keepsStreams))],
  };
}

/** True if a file names the server for all requests of these handlers. */
export function isByFile(handlers: readonly Handler[]): boolean {
  return handlers.length > 0 && handlers.every(({ file }) => file !== undefined);
}

/** For how long a handler lets requests wait for a server; nanoseconds in the configuration, or a text such as `10s`. */
export function tryMsOf({ baseline }: Handler): number {
  const { load_balancing: balancing } = baseline;
  const { try_duration: given } = isObject(balancing) ? balancing : ({} as JsonObject);
  if (typeof given === 'number') return given / 1e6;
  return typeof given === 'string' ? msOf(given) : 0;
}

function msOf(duration: string): number {
  const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
  const parts = [...duration.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
  return parts.reduce((sum, [, amount, unit = '']) => sum + Number(amount) * (UNITS[unit] ?? 0), 0);
}

// A passive check would call the server dead for a while after the hold.
function canHold(handler: Handler): boolean {
  const { health_checks: checks } = handler.baseline;
  const passive = isObject(checks) && isObject(checks.passive) ? checks.passive : {};
  return tryMsOf(handler) > 0 && !passive.fail_duration;
}

function isSlowToClose({ baseline }: Handler): boolean {
  return Boolean(baseline.stream_close_delay);
}

function byFileWarnings(version: string): string[] {
  const several =
    'the file names one server: several replicas and a canary change the configuration instead, ' +
    'which closes idle connections of clients and ends WebSockets without stream_close_delay';
  if (isAtLeast(version, COUNTS_BY_ADDRESS)) return [several];
  const old =
    `Caddy ${version} does not count the requests of a server that a file names, and loses the body of a request that ` +
    `waits: swapctl waits for connections, and holds no requests (Caddy ${COUNTS_BY_ADDRESS} cures both)`;
  return [several, old];
}

function reloadWarnings(version: string, keepsStreams: boolean): string[] {
  const file = isAtLeast(version, READS_FILES)
    ? '; {file.…} in reverse_proxy avoids it'
    : ` (Caddy ${READS_FILES} can avoid it)`;
  const idle = `each change reloads Caddy, which closes idle connections of clients: one that does not retry may lose a request${file}`;
  const streams = 'each change ends the WebSockets of all routes without stream_close_delay';
  return keepsStreams ? [idle] : [idle, streams];
}
