import type { Arrival } from '../../core/update/arrival.ts';
import type { ServiceUpdate } from '../../core/update/update.ts';

/** Images that came under a name, and the services that are to be rolled to them: what is not done yet. Times in milliseconds. */
export interface Arrivals {
  take(arrival: Arrival, now: number): void;
  /** Whose services are to be found, if that is due. */
  unread(now: number): readonly Arrival[];
  /** After they were read: the services that they concern, and which of them can't be told yet. */
  read(arrivals: readonly Arrival[], services: ReadonlySet<string>, later: readonly Arrival[], now: number): void;
  /** The services whose time has come. */
  due(now: number): ReadonlySet<string>;
  /** What became of those that were due. */
  done(due: ReadonlySet<string>, lines: readonly ServiceUpdate[], now: number): void;
  /** When there is something to do next; undefined: nothing is waiting. */
  next(): number | undefined;
}

// What builds or loads several at once names them one right after the other.
const GATHER_MS = 50;
// While somebody else is rolling.
const AGAIN_MS = 3000;

export function arrivalsBox(): Arrivals {
  let waiting: readonly Arrival[] = [];
  let readAt: number | undefined;
  const services = new Map<string, number>();
  return {
    take: (arrival, now) => {
      waiting = [...waiting, arrival];
      readAt = Math.min(readAt ?? Number.POSITIVE_INFINITY, now + GATHER_MS);
    },
    unread: (now) => (readAt !== undefined && readAt <= now ? waiting : []),
    read: (arrivals, found, later, now) => {
      waiting = [...later, ...waiting.filter((one) => !arrivals.includes(one))];
      readAt = waiting.length === 0 ? undefined : now + (waiting.length > later.length ? GATHER_MS : AGAIN_MS);
      for (const service of found) services.set(service, now);
    },
    due: (now) => new Set([...services].flatMap(([service, at]) => (at <= now ? [service] : []))),
    done: (due, lines, now) => {
      for (const service of due) services.delete(service);
      for (const { service, outcome, until, error } of lines) {
        const again = until === undefined ? now + AGAIN_MS : Date.parse(until);
        if (outcome === 'waiting' && (until !== undefined || error?.code === 'busy')) services.set(service, again);
      }
    },
    next: () => {
      const times = [...services.values(), ...(readAt === undefined ? [] : [readAt])];
      return times.length > 0 ? Math.min(...times) : undefined;
    },
  };
}
