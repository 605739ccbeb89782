import type { Policy } from '../settings/policy.ts';
import { formatDuration } from '../text/duration.ts';
import { backoffMs } from './schedule.ts';
import { nextOpening } from './window.ts';

/** The facts that decide if a service may be rolled now. Milliseconds of one clock. */
export interface RollFacts {
  readonly lastRollAt: number | undefined;
  /** The number of failures since the last successful roll. */
  readonly failures: number;
  readonly lastFailureAt: number | undefined;
  /** The time since which the new image is known to exist; undefined: unknown, and not counted. */
  readonly imageSince: number | undefined;
}

export type MayRoll =
  | { readonly now: true }
  /** `until` undefined: waiting does not help. */
  | { readonly now: false; readonly until: number | undefined; readonly because: string };

type Timing = Pick<Policy, 'monitorOnly' | 'windows' | 'minAgeMs' | 'minIntervalMs' | 'backoff'>;

/** Decides if a service may be rolled unattended now; otherwise gives the time and the reason. `now` and the facts are of one clock. */
export function mayRoll(policy: Timing, facts: RollFacts, now: number): MayRoll {
  if (policy.monitorOnly) return { now: false, until: undefined, because: 'it is only watched (monitor-only)' };
  const [wait] = waits(policy, facts)
    .filter(({ until }) => until > now)
    .sort((a, b) => b.until - a.until);
  const free = wait?.until ?? now;
  const opening = nextOpening(policy.windows, free);
  if (opening !== free) {
    const named = policy.windows.map(({ text }) => text).join('; ');
    return { now: false, until: opening, because: `its window is ${named}` };
  }
  return wait ? { now: false, ...wait } : { now: true };
}

interface Wait {
  readonly until: number;
  readonly because: string;
}

function waits({ minIntervalMs, minAgeMs, backoff }: Timing, facts: RollFacts): Wait[] {
  const { lastRollAt, failures, lastFailureAt, imageSince } = facts;
  const rest = backoffMs(backoff, failures);
  const times = `${failures === 1 ? 'its last roll' : `${failures} rolls in a row`} failed`;
  return [
    waitAfter(lastRollAt, minIntervalMs, `min-interval leaves ${formatDuration(minIntervalMs)} between two rolls`),
    waitAfter(imageSince, minAgeMs, `min-age asks for images that are ${formatDuration(minAgeMs)} old`),
    waitAfter(lastFailureAt, rest, `${times}, and backoff waits ${formatDuration(rest)}`),
  ].flat();
}

function waitAfter(since: number | undefined, ms: number, because: string): Wait[] {
  return since === undefined || ms === 0 ? [] : [{ until: since + ms, because }];
}
