/** Whether a path, relative and with `/`, matches. */
export type Glob = (path: string) => boolean;

/** One place in a pattern: what it takes, and whether it may take that any number of times, or be passed over. */
interface Place {
  readonly takes: (letter: string) => boolean;
  readonly many: boolean;
}

const ANY: Place = { takes: () => true, many: true };
const WITHIN: Place = { takes: (letter) => letter !== '/', many: true };
const ONE: Place = { takes: (letter) => letter !== '/', many: false };

/**
 * A pattern as docker's builders read .dockerignore: `*`, `?` and `[…]` within a name, `**` across folders, `\` before a letter
 * that means itself. Matching takes time in proportion to the path and the pattern: no pattern of a stranger can keep us busy.
 */
export function globOf(pattern: string): Glob {
  const letters = [...pattern];
  const places: Place[] = [];
  for (let at = 0; at < letters.length; ) at = readPlace(letters, at, places);
  return (path) => matches(places, path);
}

function readPlace(letters: readonly string[], at: number, places: Place[]): number {
  const letter = letters[at] ?? '';
  if (letter === '*' && letters[at + 1] === '*') return readAnyDepth(letters, at + 2, places);
  if (letter === '*') places.push(WITHIN);
  else if (letter === '?') places.push(ONE);
  else if (letter === '[') return readClass(letters, at, places);
  else if (letter === '\\' && at + 1 < letters.length) return readLiteral(letters[at + 1] ?? '', at + 2, places);
  else return readLiteral(letter, at + 1, places);
  return at + 1;
}

function readLiteral(letter: string, next: number, places: Place[]): number {
  places.push({ takes: (other) => other === letter, many: false });
  return next;
}

// `**/` is any number of folders, none as well; at the end `**` is anything.
function readAnyDepth(letters: readonly string[], at: number, places: Place[]): number {
  const next = letters[at] === '/' ? at + 1 : at;
  places.push(next < letters.length ? FOLDERS : ANY);
  return next;
}

/** Takes anything, and once it has, may only be left at the beginning of a name. */
const FOLDERS: Place = { takes: () => true, many: true };

function readClass(letters: readonly string[], at: number, places: Place[]): number {
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
  // A class that never ends is a bracket.
  if (next >= letters.length) return readLiteral('[', at + 1, places);
  const within = (letter: string): boolean => ranges.some(([from, to]) => from <= letter && letter <= to);
  places.push({ takes: (letter) => letter !== '/' && within(letter) !== negated, many: false });
  return next + 1;
}

/** The places at which a match may stand, and those of them that it has come to by the one before. */
interface Standing {
  readonly at: Set<number>;
  readonly entered: Set<number>;
}

// All of them side by side: there is nothing to go back to.
function matches(places: readonly Place[], path: string): boolean {
  let standing = begun();
  enter(places, standing, 0);
  for (const letter of path) {
    const next = begun();
    for (const at of standing.at) step(places, next, at, letter);
    if (next.at.size === 0) return false;
    standing = next;
  }
  return standing.at.has(places.length);
}

function begun(): Standing {
  return { at: new Set(), entered: new Set() };
}

function step(places: readonly Place[], next: Standing, at: number, letter: string): void {
  const place = places[at];
  if (!place?.takes(letter)) return;
  if (place.many) next.at.add(at);
  // Folders are left where a name begins.
  if (place !== FOLDERS || letter === '/') enter(places, next, at + 1);
}

function enter(places: readonly Place[], { at: standing, entered }: Standing, from: number): void {
  for (let at = from; !entered.has(at); at += 1) {
    standing.add(at);
    entered.add(at);
    if (!places[at]?.many) return;
  }
}
