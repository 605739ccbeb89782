// Clients that retry nothing: GET and POST, each on kept and on new connections. A part of what they met with is a window.
import { type Load, startLoad } from '../../test/lab/load.ts';

/** Of all clients together. */
export const RATE = 200;
// A request without an answer for so long counts as failed.
const TIMEOUT_MS = 5000;

export interface Failure {
  /** When the request began, in ms since 1970. */
  readonly at: number;
  readonly error: string;
}

export interface Window {
  readonly requests: number;
  readonly failures: readonly Failure[];
  /** Of the four clients the longest time without a good answer. */
  readonly longestGapMs: number;
  /** When each version answered for the first and for the last time. */
  readonly versions: ReadonlyMap<string, { readonly first: number; readonly last: number }>;
}

export interface Clients {
  /** What began in this time. */
  window(from: number, to: number): Window;
  until(answers: number): Promise<void>;
  stop(): Promise<void>;
}

export function startClients(url: string): Clients {
  const kinds = [true, false].flatMap((keepAlive) => (['GET', 'POST'] as const).map((method) => [keepAlive, method]));
  const begun = Date.now();
  const isGood = (status: number) => status === 200;
  const shared = { url, ratePerSecond: RATE / kinds.length, timeoutMs: TIMEOUT_MS, isGood };
  const loads = kinds.map(([keepAlive, method]) => startLoad({ ...shared, keepAlive, method } as typeof shared));
  return {
    window: (from, to) => joined(loads.map((load) => windowOf(load, from - begun, to - begun, begun))),
    until: async (answers) => void (await Promise.all(loads.map((load) => load.until(answers)))),
    stop: async () => void (await Promise.all(loads.map((load) => load.stop()))),
  };
}

function windowOf(load: Load, from: number, to: number, begun: number): Window {
  const { failures, timeline } = load.soFar();
  const within = (at: number) => at >= from && at < to;
  const good = timeline.filter(({ atMs, tookMs }) => within(atMs - tookMs));
  const bad = failures.filter(({ atMs }) => within(atMs));
  const versions = new Map<string, { first: number; last: number }>();
  for (const { version, atMs } of good) {
    const at = begun + atMs;
    versions.set(version, { first: versions.get(version)?.first ?? at, last: at });
  }
  return {
    requests: good.length + bad.length,
    failures: bad.map(({ atMs, error, reused }) => ({
      at: begun + atMs,
      error: reused ? `${error} on a kept connection` : error,
    })),
    longestGapMs: longestGap([from, ...good.map(({ atMs }) => atMs), to]),
    versions,
  };
}

// An answer may come after the end of the window that its request began in.
function longestGap(times: readonly number[]): number {
  return times.reduce((longest, at, index) => Math.max(longest, at - (times[index - 1] ?? at)), 0);
}

function joined(windows: readonly Window[]): Window {
  const versions = new Map<string, { first: number; last: number }>();
  for (const [version, { first, last }] of windows.flatMap((one) => [...one.versions])) {
    const known = versions.get(version) ?? { first, last };
    versions.set(version, { first: Math.min(known.first, first), last: Math.max(known.last, last) });
  }
  return {
    requests: windows.reduce((sum, one) => sum + one.requests, 0),
    failures: windows.flatMap((one) => one.failures).toSorted((a, b) => a.at - b.at),
    longestGapMs: Math.max(...windows.map((one) => one.longestGapMs)),
    versions,
  };
}
