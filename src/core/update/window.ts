import { fail } from '../model/error.ts';
import { printable } from '../text/suggest.ts';

/** A time of the week in which a service may be rolled, in local time of a zone. */
export interface Window {
  /** The days on which it opens, 0 is Sunday. A window over midnight closes on the next day. */
  readonly days: readonly number[];
  /** Minutes after midnight. `to` below `from`: over midnight. */
  readonly from: number;
  readonly to: number;
  /** A name of the tz database; undefined: the machine's own zone. */
  readonly zone: string | undefined;
  /** As the user wrote it. */
  readonly text: string;
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MINUTE = 60_000;
const DAY_MINUTES = 24 * 60;
// The offset of every time zone is a multiple of 15 minutes, and changes at such a time: in between, local time runs evenly. So a
// search in these steps needs no table of clock changes.
const CELL = 15 * MINUTE;
// A clock change may swallow a weekly window once.
const SEARCH_CELLS = (15 * DAY_MINUTES * MINUTE) / CELL;

/** Reads `Mon-Fri 02:00-05:00 Europe/Berlin; Sat,Sun 22:00-06:00`; days and zone may be left out. Raises `config`. */
export function parseWindows(text: string, what: string): Window[] {
  const parts = text.split(';').map((part) => part.trim());
  return parts.filter((part) => part !== '').map((part) => parseWindow(part, what));
}

/** True: one of the windows is open at an instant (milliseconds since the epoch). Without windows: always. */
export function isOpen(windows: readonly Window[], at: number): boolean {
  return windows.length === 0 || windows.some((window) => isInside(window, at));
}

/**
 * The first instant from `after` on at which one of the windows is open; undefined if none opens within two weeks. In local time:
 * a repeated hour belongs to the window twice, a skipped hour not at all.
 */
export function nextOpening(windows: readonly Window[], after: number): number | undefined {
  if (isOpen(windows, after)) return after;
  const first = Math.floor(after / CELL) * CELL;
  for (let cell = 0; cell <= SEARCH_CELLS; cell++) {
    const start = first + cell * CELL;
    const opening = openingsIn(windows, start).find((at) => at >= after && isOpen(windows, at));
    if (opening !== undefined) return opening;
  }
  return undefined;
}

// The instants of a cell at which a window may open: its start, and the local start time of a window.
function openingsIn(windows: readonly Window[], start: number): number[] {
  const begins = windows.map((window) => window.from - wallClock(window.zone, start).minute);
  const inside = begins.filter((minutes) => minutes > 0 && minutes * MINUTE < CELL);
  return [0, ...inside].sort((a, b) => a - b).map((minutes) => start + minutes * MINUTE);
}

function isInside({ days, from, to, zone }: Window, at: number): boolean {
  const { day, minute } = wallClock(zone, at);
  if (from < to) return days.includes(day) && from <= minute && minute < to;
  return (days.includes(day) && minute >= from) || (days.includes((day + 6) % 7) && minute < to);
}

const FORMATS = new Map<string | undefined, Intl.DateTimeFormat>();

function wallClock(zone: string | undefined, at: number): { day: number; minute: number } {
  const parts = new Map(
    formatOf(zone)
      .formatToParts(new Date(at))
      .map(({ type, value }) => [type, value]),
  );
  const minute = Number(parts.get('hour')) * 60 + Number(parts.get('minute'));
  return { day: DAYS.indexOf(parts.get('weekday') ?? ''), minute };
}

// Creating a format takes a hundred times as long as using it.
function formatOf(zone: string | undefined): Intl.DateTimeFormat {
  const known = FORMATS.get(zone);
  if (known) return known;
  const options = { weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
  const made = new Intl.DateTimeFormat('en-US', { ...options, ...(zone ? { timeZone: zone } : {}) });
  FORMATS.set(zone, made);
  return made;
}

const WINDOW = /^(?:(\S+)\s+)?(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})(?:\s+(\S+))?$/;
const LIKE = 'write it like Mon-Fri 02:00-05:00 Europe/Berlin; several are separated by ;';

function parseWindow(text: string, what: string): Window {
  const [, days, fromHour, fromMinute, toHour, toMinute, zone] = WINDOW.exec(text) ?? [];
  const from = minutesOf(fromHour, fromMinute);
  const to = minutesOf(toHour, toMinute);
  const on = daysOf(days ?? 'daily');
  if (from === undefined || to === undefined || from === DAY_MINUTES || on === undefined)
    return fail('config', `${what}: ${printable(text)} is no time window`, { hint: LIKE });
  if (from === to)
    return fail('config', `${what}: ${printable(text)} begins when it ends`, { hint: 'a whole day is 00:00-24:00' });
  return { days: on, from, to, zone: zone && checkedZone(zone, what), text };
}

function minutesOf(hour: string | undefined, minute: string | undefined): number | undefined {
  const minutes = Number(hour) * 60 + Number(minute);
  return Number(minute) < 60 && minutes <= DAY_MINUTES ? minutes : undefined;
}

function daysOf(text: string): number[] | undefined {
  if (/^(daily|\*)$/i.test(text)) return DAYS.map((_, day) => day);
  const days = text.split(',').flatMap((part): (number | undefined)[] => {
    const [first, last, ...more] = part.split('-').map(dayOf);
    if (more.length > 0 || first === undefined) return [undefined];
    if (!part.includes('-')) return [first];
    if (last === undefined) return [undefined];
    return Array.from({ length: ((last - first + 7) % 7) + 1 }, (_, at) => (first + at) % 7);
  });
  const known = days.filter((day) => day !== undefined);
  return known.length === days.length ? [...new Set(known)].sort() : undefined;
}

function dayOf(name: string): number | undefined {
  const at = DAYS.findIndex((day) => day.toLowerCase() === name.toLowerCase());
  return at < 0 ? undefined : at;
}

/** A name of the tz database as given. Raises `config` for a name that this machine does not know. */
export function checkedZone(zone: string, what: string): string {
  try {
    formatOf(zone);
    return zone;
  } catch {
    return fail('config', `${what}: ${printable(zone)} is no time zone`, {
      hint: 'write it like Europe/Berlin or UTC',
    });
  }
}
