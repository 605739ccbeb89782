import { fail } from '../model/error.ts';
import type { Policy } from '../settings/policy.ts';
import { formatDuration, parseDuration } from '../text/duration.ts';
import { printable } from '../text/suggest.ts';
import { checkedZone, nextOpening } from './window.ts';

/** When a service is checked for something newer. Times in milliseconds. */
export type Schedule = (
  | { readonly kind: 'cron'; readonly expression: string; readonly zone: string | undefined }
  | { readonly kind: 'every'; readonly ms: number }
) & {
  /** By how much at the most a check comes later than it is due, so that not everybody asks at once. */
  readonly jitterMs: number;
};

/** How long to leave a service alone after failures: doubled with each, from the first to the longest. Milliseconds. */
export interface Backoff {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** What is known about a service, for the question whether its time has come. Milliseconds of one clock. */
export interface RollFacts {
  readonly lastRollAt: number | undefined;
  /** Failures since the last roll that went well. */
  readonly failures: number;
  readonly lastFailureAt: number | undefined;
  /** Since when the new image is known to be there; undefined: nobody knows, and it does not count. */
  readonly imageSince: number | undefined;
}

export type MayRoll =
  | { readonly now: true }
  /** `until` undefined: not by waiting. */
  | { readonly now: false; readonly until: number | undefined; readonly because: string };

type Timing = Pick<Policy, 'monitorOnly' | 'windows' | 'minAgeMs' | 'minIntervalMs' | 'backoff'>;

const LIKE =
  'write it like 0 4 * * *, or 0 4 * * 1-5 Europe/Berlin, or every 15m, with jitter 2m behind it if you like';
const ZONE = /^(?:UTC|[A-Za-z]+(?:\/[A-Za-z][\w+-]*)+)$/;
const CRON = /^(?:\S+ ){4}\S+$|^@(?:hourly|daily|midnight|weekly|monthly|yearly|annually)$/;
const SHORTEST_INTERVAL = 10_000;

/** Reads a cron expression of five fields with a time zone, or `every 15m`, each with `jitter 2m`. Raises `config`. */
export function parseSchedule(text: string, what: string): Schedule {
  const [, when = '', jitter] = /^(.*?)(?: jitter (\S+))?$/.exec(text.trim().replace(/\s+/g, ' ')) ?? [];
  const jitterMs = jitter === undefined ? 0 : parseDuration(jitter, what);
  const interval = /^every (\S+)$/.exec(when)?.[1];
  if (interval !== undefined) {
    const ms = parseDuration(interval, what, '365d');
    if (ms >= SHORTEST_INTERVAL) return { kind: 'every', ms, jitterMs };
    return fail('config', `${what}: ${printable(text)} is too often`, {
      hint: 'registries are asked every 10s at most',
    });
  }
  const words = when.split(' ');
  const last = words.at(-1) ?? '';
  const zone = ZONE.test(last) ? checkedZone(last, what) : undefined;
  const expression = (zone === undefined ? words : words.slice(0, -1)).join(' ');
  if (!CRON.test(expression)) return fail('config', `${what}: ${printable(text)} is no schedule`, { hint: LIKE });
  return { kind: 'cron', expression, zone, jitterMs };
}

/** Reads `5m-24h` or `off`. Raises `config`. */
export function parseBackoff(text: string, what: string): Backoff | undefined {
  if (text.trim() === 'off') return undefined;
  const [first = '', longest, ...more] = text.split('-');
  if (longest === undefined || more.length > 0)
    return fail('config', `${what}: ${printable(text)} is no backoff`, { hint: 'write it like 5m-24h, or off' });
  const backoff = { firstMs: parseDuration(first, what, '365d'), longestMs: parseDuration(longest, what, '365d') };
  if (backoff.firstMs <= backoff.longestMs) return backoff;
  return fail('config', `${what}: ${printable(text)} begins with the longer time`, { hint: 'write it like 5m-24h' });
}

/** How long a service is left alone after its latest of so many failures, in milliseconds. */
export function backoffMs(backoff: Backoff | undefined, failures: number): number {
  if (!backoff || failures === 0) return 0;
  return Math.min(backoff.longestMs, backoff.firstMs * 2 ** (failures - 1));
}

/** Whether a service may be rolled by itself now, and if not, from when on and why not; `now` and facts of one clock. */
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

/**
 * When a service is to be checked next, in milliseconds: `cron` answers when an expression comes due, `dice` is a number
 * from 0 to 1 for the jitter. Undefined where the expression never comes due.
 */
export async function nextCheck(
  schedule: Schedule,
  last: number,
  cron: (expression: string, after: number, zone: string | undefined) => Promise<number | undefined>,
  dice: number,
): Promise<number | undefined> {
  const due = schedule.kind === 'every' ? last + schedule.ms : await cron(schedule.expression, last, schedule.zone);
  return due === undefined ? undefined : due + Math.floor(dice * schedule.jitterMs);
}
