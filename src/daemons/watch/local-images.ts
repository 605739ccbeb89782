import type { LocalImageEvent } from '../../core/update/local-image-event.ts';
import type { ServiceUpdate } from '../../core/update/update.ts';

/** Pending local image events, and the services to roll for them. Times in milliseconds. */
export interface PendingLocalImages {
  take(localImage: LocalImageEvent, now: number): void;
  /** Events whose services are to be found now. */
  unread(now: number): readonly LocalImageEvent[];
  /** Records the affected services of events, and the events that need another try. */
  read(
    localImages: readonly LocalImageEvent[],
    services: ReadonlySet<string>,
    later: readonly LocalImageEvent[],
    now: number,
  ): void;
  /** The services to roll now. */
  due(now: number): ReadonlySet<string>;
  /** Records the results of the due services. */
  done(due: ReadonlySet<string>, lines: readonly ServiceUpdate[], now: number): void;
  /** The time of the next action; undefined: nothing is pending. */
  next(): number | undefined;
}

// A build or load of several images names them within this time.
const GATHER_MS = 50;
// While another process is rolling.
const AGAIN_MS = 3000;

export function pendingLocalImages(): PendingLocalImages {
  let waiting: readonly LocalImageEvent[] = [];
  let readAt: number | undefined;
  const services = new Map<string, number>();
  return {
    take: (localImage, now) => {
      waiting = [...waiting, localImage];
      readAt = Math.min(readAt ?? Number.POSITIVE_INFINITY, now + GATHER_MS);
    },
    unread: (now) => (readAt !== undefined && readAt <= now ? waiting : []),
    read: (localImages, found, later, now) => {
      waiting = [...later, ...waiting.filter((one) => !localImages.includes(one))];
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
