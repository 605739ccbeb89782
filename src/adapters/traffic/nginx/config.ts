import path from 'node:path';

/** A directive with its words, and with those in its braces. */
export interface Directive {
  readonly words: readonly string[];
  readonly inside: readonly Directive[] | undefined;
  /** The file that it stands in. */
  readonly file: string;
}

/** Parses the text of one configuration file. What is broken in it is nginx's to report. */
export function parseNginx(text: string, file = ''): Directive[] {
  const tokens = tokensOf(text);
  let at = 0;
  const block = (): Directive[] => {
    const found: Directive[] = [];
    let words: string[] = [];
    for (; at < tokens.length; at++) {
      const token = tokens[at] ?? '';
      if (token === '}') return found;
      if (token === ';') {
        found.push({ words, inside: undefined, file });
        words = [];
      } else if (token === '{') {
        at++;
        found.push({ words, inside: block(), file });
        words = [];
      } else words.push(token.replace(/^(["'])([\s\S]*)\1$/, '$2'));
    }
    return found;
  };
  return block();
}

function tokensOf(text: string): string[] {
  const tokens = text.match(/#.*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[{};]|(?:\\.|\$\{[^}]*\}|[^\s{};])+/g) ?? [];
  return tokens.filter((token) => !token.startsWith('#'));
}

/** All directives of a name, wherever they are. */
export function directivesOf(all: readonly Directive[], name: string): Directive[] {
  return all.flatMap((one) => [
    ...(one.words[0] === name ? [one] : []),
    ...(one.inside ? directivesOf(one.inside, name) : []),
  ]);
}

/** How files of a configuration are read: `list` has the names in a folder. */
export interface Files {
  read(file: string): Promise<string | undefined>;
  list(folder: string): Promise<readonly string[] | undefined>;
}

const MOST_FILES = 500;

/** Parses a configuration with all that it includes. Undefined if there is no such file. */
export async function readNginx(file: string, files: Files): Promise<Directive[] | undefined> {
  const root = path.posix.dirname(file);
  let left = MOST_FILES;
  const read = async (one: string): Promise<Directive[] | undefined> => {
    const text = left-- > 0 ? await files.read(one) : undefined;
    return text === undefined ? undefined : resolved(parseNginx(text, one));
  };
  const resolved = async (all: readonly Directive[]): Promise<Directive[]> => {
    const found: Directive[] = [];
    for (const one of all) {
      // The directive stays beside what it stands for.
      found.push({ ...one, inside: one.inside && (await resolved(one.inside)) });
      if (one.words[0] !== 'include' || one.words[1] === undefined) continue;
      for (const target of await targetsOf(path.posix.resolve(root, one.words[1]), files))
        found.push(...((await read(target)) ?? []));
    }
    return found;
  };
  return read(file);
}

// Thousands of lines that name file types.
const OF_NO_INTEREST = 'mime.types';

async function targetsOf(pattern: string, { list }: Files): Promise<string[]> {
  const [folder, name] = [path.posix.dirname(pattern), path.posix.basename(pattern)];
  if (name === OF_NO_INTEREST) return [];
  if (!/[*?[]/.test(pattern)) return [pattern];
  // nginx itself takes patterns of folders as well, as nobody writes them.
  const names = (await list(folder)) ?? [];
  return names
    .filter((one) => isLike(one, name))
    .map((one) => `${folder}/${one}`)
    .sort();
}

function isLike(name: string, pattern: string): boolean {
  if (name.startsWith('.') && !pattern.startsWith('.')) return false;
  const source = pattern
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`).test(name);
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, '': 1000, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A time of nginx's in milliseconds; undefined if it is none. */
export function timeOf(text: string | undefined): number | undefined {
  const parts = [...(text ?? '').matchAll(/(\d+)(ms|[smhd]?)/g)];
  if (parts.length === 0 || parts.map(([whole]) => whole).join('') !== text) return undefined;
  return parts.reduce((total, [, number, unit = '']) => total + Number(number) * (UNITS[unit] ?? 0), 0);
}
