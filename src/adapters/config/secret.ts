import path from 'node:path';
import { fail, messageOf } from '../../core/model/error.ts';
import type { Secret } from '../../core/settings/secret.ts';
import { readText } from '../files/read.ts';

/** The sources of secrets. */
export interface Vault {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The base folder of paths. */
  readonly folder: string;
}

const VARIABLE = /\$\{([A-Za-z_]\w*)\}/g;
// The receiver is no secret.
const OPEN = ['from', 'to', 'chat', 'template'];

/** The text of a key that may contain `${VARIABLES}` of the environment. */
export function writtenSecret(key: string, text: string, { env }: Vault): Secret {
  const read = async (): Promise<string> =>
    text.replace(VARIABLE, (_, name: string) => env[name] ?? fail('config', `the variable ${name} is not set`));
  return { shown: shown(key, text), read };
}

/** The text in a file, without one final line end. */
export function filedSecret(file: string, { folder }: Vault): Secret {
  const read = async (): Promise<string> => {
    try {
      return (await readText(path.resolve(folder, file))).replace(/\r?\n$/, '');
    } catch (error) {
      return fail('config', `${file} can't be read: ${messageOf(error)}`, { cause: error });
    }
  };
  return { shown: `(in ${file})`, read };
}

// The host of a URL may be shown; the parts before and after it often hold a key.
function shown(key: string, text: string): string {
  if (OPEN.includes(key) || text.replace(VARIABLE, '') === '') return text;
  const [, scheme, host] = /^([a-z][a-z+]*:\/\/)(?:[^/@]*@)?([\w.:[\]-]+)/i.exec(text) ?? [];
  return scheme && host ? `${scheme}${host}/…` : '…';
}
