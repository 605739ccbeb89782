import { fail } from '../model/error.ts';

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const LONGEST_TEXT = 100;

const SECONDS = '(?:[0-5]?\\d(?:\\.\\d{1,3})?s|[0-5]?\\ds\\d{1,3}ms|\\d{1,3}ms)';
const UP_TO_24H = [
  ...['24h', '1440m', '86400s?', '\\d{1,7}(?:\\.\\d{1,3})?ms'],
  `(?:1?\\d|2[0-3])(?:\\.\\d{1,3}h|h(?:[0-5]?\\dm)?${SECONDS}?)`,
  `(?:\\d{1,3}|1[0-3]\\d\\d|14[0-3]\\d)(?:\\.\\d{1,3}m|m${SECONDS}?)`,
  '(?:\\d{1,4}|[1-7]\\d{4}|8[0-5]\\d{3}|86[0-3]\\d\\d)(?:(?:\\.\\d{1,3})?s?|s\\d{1,3}ms)',
];
/** Matches durations of at most 24 hours with their units in order: a schema can't limit a sum. */
export const DURATION = new RegExp(`^(?:${UP_TO_24H.join('|')})$`);

/**
 * Reads `500ms`, `30s`, `1m30s`, `2h`, `7d` or a bare number of seconds into milliseconds; `what` names the setting in the error,
 * `longest` is the maximum. Raises `config`.
 */
export function parseDuration(text: string, what: string, longest: '24h' | '365d' = '24h'): number {
  const trimmed = text.trim();
  const ms = /^\d+(\.\d+)?$/.test(trimmed) ? Number(trimmed) * UNIT_MS.s : sumOfParts(trimmed);
  if (ms === undefined || ms > (sumOfParts(longest) ?? 0)) {
    return fail('config', `${what}: ${JSON.stringify(text.slice(0, 40))} is no duration up to ${longest}`, {
      hint: `write it like 500ms, 30s, 1m30s${longest === '24h' ? ' or 2h' : ', 2h or 7d'}`,
    });
  }
  return ms;
}

/** Writes milliseconds the way people read them: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 30 min`, `3 d`. */
export function formatDuration(ms: number): string {
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (ms < UNIT_MS.h) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  if (ms < 2 * UNIT_MS.d) return inTwoUnits(ms, 'h', 'm', 'min');
  return inTwoUnits(ms, 'd', 'h', 'h');
}

function inTwoUnits(ms: number, large: 'h' | 'd', small: 'm' | 'h', name: string): string {
  const rest = Math.floor((ms % UNIT_MS[large]) / UNIT_MS[small]);
  return `${Math.floor(ms / UNIT_MS[large])} ${large}${rest > 0 ? ` ${rest} ${name}` : ''}`;
}

/** Writes how long ago something was, in one unit: `5 s`, `3 min`, `2 h`, `4 d`. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 2 * 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

function sumOfParts(text: string): number | undefined {
  // The regular expression exhausts the stack on megabytes of parts.
  if (text.length > LONGEST_TEXT) return undefined;
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, amount, , unit] of text.matchAll(/(\d+(\.\d+)?)(ms|s|m|h|d)/g)) {
    total += Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS];
  }
  return total;
}
