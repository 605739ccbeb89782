import type { Container } from '../model/container.ts';

/** How often the holder of a lock changes it, so that others can tell a dead holder from a living one without a common clock. */
export const BEAT_MS = 2000;

// What a beat may take longer where the engine is busy, and how much a holder may be behind after a pause.
const SLOW = 1.5;
const PAUSE_MS = 7000;

/** How often a lock was changed. */
export function beatOf({ host }: Pick<Container, 'host'>): number {
  return host.RestartPolicy?.MaximumRetryCount ?? 0;
}

/** Whether a lock of that age was changed about as often as a living holder does; one that is not may still be alive. */
export function isPlausible(ageMs: number, beats: number): boolean {
  const least = (ageMs - PAUSE_MS) / (BEAT_MS * SLOW);
  const most = ((ageMs + PAUSE_MS) / BEAT_MS) * SLOW;
  return beats >= least && beats <= most;
}

/** How long a beat vouches for the next change: well before anybody else takes the lock for a dead one's. */
const FRESH_MS = BEAT_MS * SLOW;

/** An instant by two clocks: one that nobody sets, and one that goes on while the machine sleeps. */
export interface Instant {
  readonly monotonic: number;
  readonly wall: number;
}

/** Whether the last beat is too long ago to vouch for anything, by either clock. */
export function isOverdue(last: Instant, now: Instant): boolean {
  return now.monotonic - last.monotonic > FRESH_MS || now.wall - last.wall > FRESH_MS;
}
