import type { Container } from '../model/container.ts';

/** How often the holder of a lock changes it, so that others can recognize a dead holder without a common clock. */
export const HEARTBEAT_MS = 2000;

// The extra time for a heartbeat on a busy engine, and the delay of a holder after a pause.
const SLOW = 1.5;
const PAUSE_MS = 7000;

/** The number of heartbeats of a lock. */
export function heartbeatsOf({ host }: Pick<Container, 'host'>): number {
  return host.RestartPolicy?.MaximumRetryCount ?? 0;
}

/** True: a lock of that age was changed about as often as a live holder changes it; otherwise the holder may still be alive. */
export function isPlausible(ageMs: number, heartbeats: number): boolean {
  const least = (ageMs - PAUSE_MS) / (HEARTBEAT_MS * SLOW);
  const most = ((ageMs + PAUSE_MS) / HEARTBEAT_MS) * SLOW;
  return heartbeats >= least && heartbeats <= most;
}

/** How long a heartbeat is valid: well below the time after which others take the lock over. */
const FRESH_MS = HEARTBEAT_MS * SLOW;

/** An instant by two clocks: one that nobody sets, and one that continues while the machine sleeps. */
export interface Instant {
  readonly monotonic: number;
  readonly wall: number;
}

/** True: by either clock, the last heartbeat is no longer valid. */
export function isOverdue(last: Instant, now: Instant): boolean {
  return now.monotonic - last.monotonic > FRESH_MS || now.wall - last.wall > FRESH_MS;
}
