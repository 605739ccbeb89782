/** One challenge of a server's WWW-Authenticate; parameter names are in lower case. */
export interface Challenge {
  /** In lower case: `bearer`, `basic`. */
  readonly scheme: string;
  readonly params: Readonly<Record<string, string>>;
}

const TOKEN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/y;
const SPACE = /[ \t]*/y;

/**
 * Parses WWW-Authenticate: commas separate challenges and their parameters alike (RFC 9110, section 11.6.1). An unreadable part
 * ends the parsing; the parts before it count.
 */
export function parseChallenges(header: string): Challenge[] {
  const challenges: { scheme: string; params: Record<string, string> }[] = [];
  const read = reader(header);
  while (!read.atEnd()) {
    if (read.literal(',')) continue;
    const word = read.match(TOKEN);
    if (word === undefined) break;
    const current = challenges.at(-1);
    if (!read.literal('=')) {
      challenges.push({ scheme: word.toLowerCase(), params: {} });
      continue;
    }
    const value = read.match(QUOTED)?.replace(/\\(.)/g, '$1') ?? read.match(TOKEN);
    if (value === undefined || !current) break;
    const name = word.toLowerCase();
    if (!Object.hasOwn(current.params, name)) current.params[name] = value;
  }
  return challenges;
}

/** A cursor over the header; every read also skips the blanks after it. */
function reader(text: string) {
  let at = 0;
  const advance = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) at = pattern.lastIndex;
    return found;
  };
  advance(SPACE);
  return {
    atEnd: () => at >= text.length,
    match: (pattern: RegExp): string | undefined => {
      const found = advance(pattern);
      if (found) advance(SPACE);
      return found ? (found[1] ?? found[0]) : undefined;
    },
    literal: (sign: string): boolean => {
      if (text[at] !== sign) return false;
      at += 1;
      advance(SPACE);
      return true;
    },
  };
}
