import { fail } from '../../core/model/error.ts';

/** True: a path, relative and with `/`, or (`above`) one of its parent folders, matches. Raises `config` if that takes too long. */
export type Glob = (path: string, how?: Look) => boolean;

interface Look {
  readonly above?: boolean;
  readonly effort?: Effort;
}

/** The remaining comparisons for one path, and the owner of the patterns. */
export interface Effort {
  left: number;
}

/** For one path: far more than any real list of patterns takes, and done in a second. */
export function freshEffort(): Effort {
  return { left: 5_000_000 };
}

/** One place in a pattern: the characters it matches, and true for `many` if it may match any number of them, or none. */
interface Place {
  readonly takes: (letter: string) => boolean;
  readonly many: boolean;
}

const ANY: Place = { takes: () => true, many: true };
const WITHIN: Place = { takes: (letter) => letter !== '/', many: true };
const ONE: Place = { takes: (letter) => letter !== '/', many: false };

/**
 * A pattern as docker's builders read .dockerignore: `*`, `?` and `[…]` within a name, `**` across folders, `\` to escape a
 * character. The time to match is proportional to path and pattern, so no foreign pattern can block the process.
 */
export function globOf(pattern: string): Glob {
  const letters = [...pattern];
  const places = new Places();
  for (let at = 0; at < letters.length; ) at = readPlace(letters, at, places);
  return (path, { above = false, effort = freshEffort() } = {}) => matches(places.all, path, above, effort);
}

class Places {
  readonly all: Place[] = [];
  /** Do not search the end of an unclosed bracket again. */
  unclosed = false;

  push(place: Place): void {
    // The same place twice counts once.
    if (!place.many || this.all.at(-1) !== place) this.all.push(place);
  }
}

function readPlace(letters: readonly string[], at: number, places: Places): number {
  const letter = letters[at] ?? '';
  if (letter === '*' && letters[at + 1] === '*') return readAnyDepth(letters, at + 2, places);
  if (letter === '*') places.push(WITHIN);
  else if (letter === '?') places.push(ONE);
  else if (letter === '[') return readClass(letters, at, places);
  else if (letter === '\\' && at + 1 < letters.length) return readLiteral(letters[at + 1] ?? '', at + 2, places);
  else return readLiteral(letter, at + 1, places);
  return at + 1;
}

function readLiteral(letter: string, next: number, places: Places): number {
  places.push({ takes: (other) => other === letter, many: false });
  return next;
}

// `**/` matches any number of folders, or none; at the end `**` matches anything.
function readAnyDepth(letters: readonly string[], at: number, places: Places): number {
  const next = letters[at] === '/' ? at + 1 : at;
  places.push(next < letters.length ? FOLDERS : ANY);
  return next;
}

/** Matches anything, but may end only at the start of a name. */
const FOLDERS: Place = { takes: () => true, many: true };

function readClass(letters: readonly string[], at: number, places: Places): number {
  if (places.unclosed) return readLiteral('[', at + 1, places);
  const negated = letters[at + 1] === '^' || letters[at + 1] === '!';
  const ranges: [string, string][] = [];
  let next = at + (negated ? 2 : 1);
  const one = (): string => {
    if (letters[next] === '\\') next += 1;
    return letters[next++] ?? '';
  };
  while (next < letters.length && (letters[next] !== ']' || ranges.length === 0)) {
    const from = one();
    if (letters[next] !== '-' || letters[next + 1] === ']') ranges.push([from, from]);
    else {
      next += 1;
      ranges.push([from, one()]);
    }
  }
  // An unclosed class is a literal bracket.
  if (next >= letters.length) {
    places.unclosed = true;
    return readLiteral('[', at + 1, places);
  }
  places.push({ takes: classOf(ranges, negated), many: false });
  return next + 1;
}

// Look each character up once: a class may be long.
function classOf(ranges: readonly [string, string][], negated: boolean): Place['takes'] {
  const known = new Map<string, boolean>([['/', false]]);
  return (letter) => {
    const takes = known.get(letter) ?? ranges.some(([from, to]) => from <= letter && letter <= to) !== negated;
    known.set(letter, takes);
    return takes;
  };
}

/** The active places of a match, and those reached by the previous character. */
interface Standing {
  readonly at: Set<number>;
  readonly entered: Set<number>;
}

// All places advance together, so there is no backtracking.
function matches(places: readonly Place[], path: string, above: boolean, effort: Effort): boolean {
  let standing = begun();
  enter(places, standing, 0);
  for (const letter of path) {
    if (above && letter === '/' && standing.at.has(places.length)) return true;
    effort.left -= standing.at.size;
    if (effort.left < 0) tooLong(path);
    const next = begun();
    for (const at of standing.at) step(places, next, at, letter);
    if (next.at.size === 0) return false;
    standing = next;
  }
  return standing.at.has(places.length);
}

function tooLong(path: string): never {
  return fail('config', `the patterns of what a build leaves out take too long for the path ${path.slice(0, 80)}…`, {
    hint: 'make the patterns of .dockerignore shorter, or fewer',
  });
}

function begun(): Standing {
  return { at: new Set(), entered: new Set() };
}

function step(places: readonly Place[], next: Standing, at: number, letter: string): void {
  const place = places[at];
  if (!place?.takes(letter)) return;
  if (place.many) next.at.add(at);
  // A folder match ends only at the start of a name.
  if (place !== FOLDERS || letter === '/') enter(places, next, at + 1);
}

function enter(places: readonly Place[], { at: standing, entered }: Standing, from: number): void {
  for (let at = from; !entered.has(at); at += 1) {
    standing.add(at);
    entered.add(at);
    if (!places[at]?.many) return;
  }
}
