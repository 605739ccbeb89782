import { fail } from '../model/error.ts';
import { parseDuration } from '../text/duration.ts';
import { printable } from '../text/suggest.ts';

/** The share of new requests that a candidate gets first, and the time for which it is watched with that share. */
export interface Canary {
  /** 1 to 99. */
  readonly percent: number;
  readonly ms: number;
}

/** Parses `10% for 2m`; `off`: none. Raises `config`. */
export function parseCanary(value: string, what: string): Canary | undefined {
  if (value.trim() === 'off') return undefined;
  const [, percent, time] = /^(\d{1,2})\s*%\s+for\s+(\S+)$/.exec(value.trim()) ?? [];
  if (time === undefined || Number(percent) < 1)
    return fail('config', `${what}: ${printable(value)} is no canary`, { hint: 'write it like 10% for 2m, or off' });
  return { percent: Number(percent), ms: parseDuration(time, what) };
}
