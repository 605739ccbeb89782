import type { Timings } from '../../core/report/report.ts';
import { formatDuration } from '../../core/text/duration.ts';
import type { Style } from '../terminal/style.ts';

/** The duration, and its notable parts: `11 s (pull 3.1 s, healthy 2.1 s)`. */
export function timesOf(timings: Timings, style: Style): string[] {
  if (timings.total <= 0) return [];
  const parts = PARTS.flatMap(([part, from]) => partTime(timings, part, from));
  return [formatDuration(timings.total) + (parts.length > 0 ? style.dim(` (${parts.join(', ')})`) : '')];
}

// Parts that usually take no time are shown only if they did.
const PARTS: readonly (readonly [Exclude<keyof Timings, 'total'>, number])[] = [
  ['pull', 100],
  ['start', 1000],
  ['backup', 0],
  ['healthy', 0],
  ['restore', 0],
  ['switch', 500],
  ['drain', 0],
  ['stop', 0],
];

function partTime(timings: Timings, part: keyof Timings, from: number): string[] {
  const ms = timings[part];
  return ms === undefined || ms < from ? [] : [`${part} ${formatDuration(ms)}`];
}
