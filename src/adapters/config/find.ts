import path from 'node:path';
import { fail, messageOf } from '../../core/model/error.ts';
import { readText } from '../files/read.ts';
import { trustedUsers, whyUntrusted } from './trusted.ts';

/** The places to search for swapctl.yml. */
export interface Lookup {
  /** The file of `--config`. */
  readonly file: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The current folder. */
  readonly folder: string;
}

/** A configuration file as it is on the disk. */
export interface FoundFile {
  /** For messages, as the user knows it. */
  readonly path: string;
  /** The base folder of its paths. */
  readonly folder: string;
  readonly text: string;
}

/** The usual paths of the file, if the user names none; the first existing one counts. */
export const USUAL_PLACES = ['swapctl.yml', '/etc/swapctl/swapctl.yml'];

/**
 * Reads the file of `--config`, else of SWAPCTL_CONFIG, else the first existing usual one; undefined if there is none. Raises
 * `config` for a named file that does not exist, and for any that can't be read.
 */
export async function findFile({ file, env, folder }: Lookup): Promise<FoundFile | undefined> {
  if (file !== undefined) return namedFile(file, folder, '--config');
  if (env.SWAPCTL_CONFIG) return namedFile(env.SWAPCTL_CONFIG, folder, 'SWAPCTL_CONFIG');
  for (const place of USUAL_PLACES) {
    if (!path.isAbsolute(place)) await mustBeOwn(place, folder, env);
    const found = await readAt(place, folder);
    if (found) return found;
  }
  return undefined;
}

// The current folder may belong to another user, and the file can send files and variables to other hosts.
async function mustBeOwn(place: string, folder: string, env: Lookup['env']): Promise<void> {
  const why = await whyUntrusted(path.resolve(folder, place), trustedUsers(env)).catch((error) => {
    if (isAbsent(error)) return undefined;
    return fail('config', `${place} can't be read: ${messageOf(error)}`);
  });
  if (why === undefined) return;
  fail('config', `${place} in the current folder is not used: ${why}`, {
    hint: `name it if you mean it (--config ${place}), or see to it that only you and root can write to it`,
  });
}

async function namedFile(file: string, folder: string, by: string): Promise<FoundFile> {
  const found = await readAt(file, folder);
  return found ?? fail('config', `there is no file ${file}`, { hint: `${by} names it` });
}

// Its parent may be missing, too, or may not be a folder.
const ABSENT = ['ENOENT', 'ENOTDIR'];

async function readAt(file: string, folder: string): Promise<FoundFile | undefined> {
  const full = path.resolve(folder, file);
  try {
    return { path: file, folder: path.dirname(full), text: await readText(full) };
  } catch (error) {
    if (isAbsent(error)) return undefined;
    return fail('config', `${file} can't be read: ${messageOf(error)}`, {
      hint: 'it has to be a file that you may read',
    });
  }
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ABSENT.includes(String(error.code));
}
