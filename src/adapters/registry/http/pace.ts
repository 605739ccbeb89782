import { fail } from '../../../core/model/error.ts';
import { formatDuration } from '../../../core/text/duration.ts';
import type { Clock } from '../../../ports/host.ts';

/** Runs tasks with limited concurrency; the rest wait for their turn. */
export function limiter(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await work();
    } finally {
      // A waiting task takes over the place, so that no later one overtakes it.
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}

/** Pauses the requests to one host for as long as it asked. */
export interface Gate {
  /** Resolves when the host may be asked; raises `rate-limited` if the pause is too long to wait. */
  pass(signal: AbortSignal): Promise<void>;
  /** The host asked for a pause: milliseconds from now; undefined if it gave no time. */
  close(ms: number | undefined): void;
}

/** The maximum wait of a request for a paused host. */
const MOST_WAIT_MS = 10_000;
/** The pause for a host that gives no time. */
const DEFAULT_QUIET_MS = 60_000;
/** The minimum pause, even if the host gave a past time (clocks differ). */
const LEAST_QUIET_MS = 1000;
/** The maximum pause, even if the host asks for more. */
const MOST_QUIET_MS = 6 * 3_600_000;

/** The gate of one host. */
export function hostGate(host: string, clock: Clock): Gate {
  let until = 0;
  return {
    pass: async (signal) => {
      for (let left = until - clock.now(); left > 0; left = until - clock.now()) {
        if (left > MOST_WAIT_MS) tooLong(host, until, left);
        await clock.sleep(left, signal);
        signal.throwIfAborted();
      }
    },
    close: (ms = DEFAULT_QUIET_MS) => {
      until = Math.max(until, clock.now() + Math.min(Math.max(ms, LEAST_QUIET_MS), MOST_QUIET_MS));
    },
  };
}

function tooLong(host: string, until: number, left: number): never {
  const when = new Date(until).toISOString().slice(0, 19);
  return fail(
    'rate-limited',
    `${host} has been asked too often; it wants to be left alone for ${formatDuration(left)}`,
    {
      hint: `try again after ${when}Z; a login may raise the limit (docker login)`,
    },
  );
}

/** The milliseconds of a Retry-After header: seconds or an HTTP date (RFC 9110, section 10.2.3); undefined for anything else. */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\s*\d{1,9}\s*$/.test(header)) return Number(header) * 1000;
  const date = /[a-z]/i.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
