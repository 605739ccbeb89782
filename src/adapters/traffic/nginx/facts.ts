import type { ProxyFacts } from '../../../core/proxy/route.ts';
import { type Directive, directivesOf, timeOf } from './config.ts';

const DEFAULT_KEEPALIVE_MS = 75_000;

/** The capabilities of an nginx of this version with this configuration. */
export function factsOf(version: string, config: readonly Directive[]): ProxyFacts {
  const keepsIdleClients = keepsIdle(version, config);
  const shutdown = timesOf(config, 'worker_shutdown_timeout')[0];
  return {
    driver: 'nginx',
    version,
    countsInFlight: false,
    weights: true,
    hold: 'no',
    keepsIdleClients,
    keepsStreams: shutdown === undefined,
    minMsBetween: 0,
    warnings: [...(keepsIdleClients ? [] : [idleWarning(version)]), streamWarning(shutdown)],
  };
}

function idleWarning(version: string): string {
  const loses = `nginx ${version}: a reload closes idle client connections; a client that does not retry may lose a request`;
  if (!hasMinTimeout(version)) return `${loses}. nginx 1.27.4 and newer keep them with keepalive_min_timeout`;
  return `${loses}. Set keepalive_min_timeout to at least keepalive_timeout`;
}

function streamWarning(shutdown: number | undefined): string {
  if (shutdown !== undefined)
    return `WebSockets and other long answers are cut ${shutdown / 1000} s after a change (worker_shutdown_timeout)`;
  return 'worker_shutdown_timeout is not set: old worker processes stay as long as a client keeps a connection busy';
}

// An idle connection is closed by a worker that leaves, unless all of its keep-alive time counts as the least time.
function keepsIdle(version: string, config: readonly Directive[]): boolean {
  const [least, most] = [timesOf(config, 'keepalive_min_timeout'), timesOf(config, 'keepalive_timeout')];
  if (!hasMinTimeout(version) || least.length === 0) return false;
  return Math.min(...least) >= Math.max(...(most.length > 0 ? most : [DEFAULT_KEEPALIVE_MS]));
}

function timesOf(config: readonly Directive[], name: string): number[] {
  const times = directivesOf(config, name).map(({ words }) => timeOf(words[1]));
  return times.filter((time) => time !== undefined);
}

function hasMinTimeout(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  return major * 1_000_000 + minor * 1000 + patch >= 1_027_004;
}
