import { fail } from '../model/error.ts';
import { parseDuration } from '../text/duration.ts';
import { printable } from '../text/suggest.ts';
import { checkedZone } from './window.ts';

/** The times at which a service is checked for a newer image. Times in milliseconds. */
export type Schedule = (
  | { readonly kind: 'cron'; readonly expression: string; readonly zone: string | undefined }
  | { readonly kind: 'every'; readonly ms: number }
) & {
  /** The maximum random delay of a check, so that hosts do not all ask at once. */
  readonly jitterMs: number;
};

/** The pause after failures: doubles with each, from the first to the longest. Milliseconds. */
export interface Backoff {
  readonly firstMs: number;
  readonly longestMs: number;
}

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

/** The pause after a number of failures, counted from the latest, in milliseconds. */
export function backoffMs(backoff: Backoff | undefined, failures: number): number {
  if (!backoff || failures === 0) return 0;
  return Math.min(backoff.longestMs, backoff.firstMs * 2 ** (failures - 1));
}

/**
 * The time of a service's next check, in milliseconds: `cron` answers when an expression comes due, `dice` is a number from 0 to
 * 1 for the jitter. Undefined if the expression never comes due.
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
