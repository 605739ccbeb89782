import { fail, messageOf, SwapError } from '../model/error.ts';
import { printable } from '../text/suggest.ts';
import { whyNotCallerName } from './caller-name.ts';
import { parseScope, type Scope, scopeText } from './scope.ts';

/** A token as the token file holds it: everything but the token itself. */
export interface TokenEntry {
  readonly name: string;
  /** SHA-256 of the token, in 64 hexadecimal digits. */
  readonly hash: string;
  readonly scopes: readonly Scope[];
  /** Milliseconds since the epoch; undefined: the token does not expire. */
  readonly expires: number | undefined;
}

/** An ignored line of the token file. Lines count from 1. */
export interface TokenMistake {
  readonly line: number;
  readonly message: string;
}

/** The contents of a token file. */
export interface TokenList {
  readonly entries: readonly TokenEntry[];
  readonly mistakes: readonly TokenMistake[];
}

const HASH = /^sha256:([0-9a-f]{64})$/;
const DATE = /^expires=(\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?Z)?)$/;
/** Each request compares its token with every entry. */
const MOST_ENTRIES = 1000;

/** The line of the token file for an entry. */
export function tokenLine({ name, hash, scopes, expires }: TokenEntry): string {
  const until = expires === undefined ? [] : [`expires=${new Date(expires).toISOString()}`];
  return [name, `sha256:${hash}`, scopes.map(scopeText).join(','), ...until].join(' ');
}

/** The name of a token. Raises `config`. */
export function tokenName(text: string): string {
  const why = whyNotCallerName(text);
  return why ? fail('config', why.message, { hint: why.hint }) : text;
}

/** Reads a token file: one token per line, `NAME sha256:HASH SCOPE,SCOPE [expires=DATE]`; `#` starts a comment. */
export function readTokenFile(text: string): TokenList {
  const entries: TokenEntry[] = [];
  const mistakes: TokenMistake[] = [];
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    const content = line.replace(/(^|\s)#.*$/, '').trim();
    if (content === '') continue;
    try {
      entries.push(another(entries, entryOf(content)));
    } catch (error) {
      mistakes.push({ line: at + 1, message: wordsOf(error) });
    }
  }
  return { entries, mistakes };
}

function entryOf(content: string): TokenEntry {
  const [name = '', hash, scopes, ...rest] = content.split(/\s+/);
  if (hash === undefined || scopes === undefined || rest.length > 1)
    return fail('config', 'this is not a line of a token file', { hint: FORM });
  return {
    name: tokenName(name),
    hash: HASH.exec(hash)?.[1] ?? wrongHash(hash),
    scopes: scopes.split(',').map(parseScope),
    expires: rest[0] === undefined ? undefined : readExpiry(rest[0]),
  };
}

const FORM = 'swapctl token create prints one: NAME sha256:HASH SCOPE,SCOPE [expires=DATE]';

// The text may be a token pasted by mistake, so the message does not repeat it.
function wrongHash(text: string): never {
  if (text.startsWith('swapctl_'))
    return fail('config', 'this line holds a token instead of its hash', {
      hint: 'revoke the token: create another one, and put its line here',
    });
  return fail('config', 'the hash is not sha256: and 64 hexadecimal digits', { hint: FORM });
}

function readExpiry(text: string): number {
  const at = Date.parse(DATE.exec(text)?.[1] ?? '');
  if (!Number.isNaN(at)) return at;
  return fail('config', `${printable(text)} is not a date`, {
    hint: 'write expires=2027-03-31 or expires=2027-03-31T18:00:00Z',
  });
}

function another(entries: readonly TokenEntry[], entry: TokenEntry): TokenEntry {
  if (entries.some(({ name }) => name === entry.name)) return fail('config', `a token ${entry.name} is above already`);
  if (entries.some(({ hash }) => hash === entry.hash)) return fail('config', 'the same hash is above already');
  if (entries.length >= MOST_ENTRIES) return fail('config', `a token file has at most ${MOST_ENTRIES} tokens`);
  return entry;
}

function wordsOf(error: unknown): string {
  if (!(error instanceof SwapError)) throw error;
  return [messageOf(error), error.hint].filter(Boolean).join('; ');
}
