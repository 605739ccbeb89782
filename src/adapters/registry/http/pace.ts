import { fail } from '../../../core/model/error.ts';
import { formatDuration } from '../../../core/text/duration.ts';
import type { Clock } from '../../../ports/host.ts';

/** Runs work, at most so much of it at the same time; the rest waits its turn. */
export function limiter(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await work();
    } finally {
      // Who waits takes over the place, so that nobody who comes in between does.
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}

/** Keeps requests to one host back for as long as it asked. */
export interface Gate {
  /** Resolves when the host may be asked; raises `rate-limited` if that is longer than anybody wants to wait. */
  pass(signal: AbortSignal): Promise<void>;
  /** The host asked for quiet: milliseconds from now; undefined where it did not say how long. */
  close(ms: number | undefined): void;
}

/** The longest that a question waits for a host that wants quiet. */
const MOST_WAIT_MS = 10_000;
/** What a host that says nothing gets. */
const DEFAULT_QUIET_MS = 60_000;
/** Who was asked to be left alone until a moment that has passed (clocks differ) is not asked again at once. */
const LEAST_QUIET_MS = 1000;
/** No host shuts itself off for longer, whatever it says. */
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

/** Milliseconds that a Retry-After header asks for: seconds or an HTTP date (RFC 9110, section 10.2.3); undefined for anything else. */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\s*\d{1,9}\s*$/.test(header)) return Number(header) * 1000;
  const date = /[a-z]/i.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
