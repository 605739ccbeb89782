import { stat } from 'node:fs/promises';
import { readText } from '../../../adapters/files/read.ts';
import { readTokenFile, type TokenEntry, type TokenList } from '../../../core/access/token-file.ts';
import { fail, messageOf, SwapError } from '../../../core/model/error.ts';

/** An entry of the token file, ready to be compared. */
export interface KnownToken extends Omit<TokenEntry, 'hash'> {
  readonly hash: Buffer;
}

/** The presently valid tokens. */
export interface Tokens {
  /** Reads the file again if it has changed; looks at most once a second. */
  current(now: number): Promise<readonly KnownToken[]>;
}

const LOOK_EVERY_MS = 1000;

/** Reads a token file. Raises `config` for a file that can't be read, or that others than its owner may write to. */
export async function loadTokens(file: string): Promise<TokenList> {
  try {
    return await readSafely(file);
  } catch (error) {
    if (error instanceof SwapError) throw error;
    return fail('config', `the token file ${file} can't be read: ${messageOf(error)}`, {
      hint: 'swapctl token create prints lines for it',
      cause: error,
    });
  }
}

/** The mistakes of a token file, each with its line: `FILE:3: …`. */
export function mistakeLines(file: string, { mistakes }: Pick<TokenList, 'mistakes'>): string[] {
  return mistakes.map(({ line, message }) => `${file}:${line}: ${message}`);
}

/**
 * Opens a token file for a server. Raises `config` for any mistake, so that a server does not start with one. A mistake in a later
 * version of the file is noted, and only its line does not count: a typo locks nobody out, and a token whose line was removed becomes
 * invalid. A file that can't be read, or that others may write to, has no valid token.
 */
export async function openTokens(file: string, note: (text: string) => void): Promise<Tokens> {
  let mark = await markOf(file);
  const first = await loadTokens(file);
  const [wrong, ...more] = mistakeLines(file, first);
  if (wrong !== undefined) fail('config', `${wrong}${more.length > 0 ? ` (and ${more.length} more)` : ''}`);
  let known = first.entries.map(comparable);
  let looked = Number.NEGATIVE_INFINITY;
  const reload = async (): Promise<void> => {
    const now = await markOf(file);
    if (now === mark) return;
    mark = now;
    known = (await reloaded(file, note)).map(comparable);
  };
  let reloading: Promise<void> = Promise.resolve();
  return {
    current: async (now) => {
      if (Math.abs(now - looked) >= LOOK_EVERY_MS) {
        looked = now;
        reloading = reload();
      }
      await reloading;
      return known;
    },
  };
}

async function reloaded(file: string, note: (text: string) => void): Promise<readonly TokenEntry[]> {
  try {
    const list = await loadTokens(file);
    for (const line of mistakeLines(file, list)) note(`${line}; the line does not count`);
    note(`the token file ${file} has changed: ${list.entries.length} tokens are valid`);
    return list.entries;
  } catch (error) {
    note(`${messageOf(error)}; no token is valid until that is fixed`);
    return [];
  }
}

async function readSafely(file: string): Promise<TokenList> {
  const { mode, uid } = await stat(file);
  if (process.platform !== 'win32') mustBeOwn(file, mode, uid);
  return readTokenFile(await readText(file));
}

// A user who can add a line can take every right on this host.
function mustBeOwn(file: string, mode: number, uid: number): void {
  const own = process.geteuid?.();
  if (uid !== 0 && uid !== own)
    fail('config', `the token file ${file} belongs to another user (uid ${uid})`, {
      hint: `chown root ${file}, after a look at its lines`,
    });
  if ((mode & 0o022) !== 0)
    fail('config', `others than the owner may write to the token file ${file}`, { hint: `chmod go-w ${file}` });
}

// Also the inode and the change time: an editor replaces the file, and chmod changes neither size nor modification time.
async function markOf(file: string): Promise<string> {
  try {
    const { ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
    return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
  } catch (error) {
    return messageOf(error);
  }
}

function comparable({ hash, ...entry }: TokenEntry): KnownToken {
  return { ...entry, hash: Buffer.from(hash, 'hex') };
}
