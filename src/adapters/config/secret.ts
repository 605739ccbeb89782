import path from 'node:path';
import { fail, messageOf } from '../../core/model/error.ts';
import type { Secret } from '../../core/settings/secret.ts';
import { readText } from '../files/read.ts';

/** Where secrets come from. */
export interface Vault {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder that paths start from. */
  readonly folder: string;
}

const VARIABLE = /\$\{([A-Za-z_]\w*)\}/g;
// Whom it goes to is no secret.
const OPEN = ['from', 'to', 'chat', 'template'];

/** The text of a key that may have `${VARIABLES}` of the environment in it. */
export function writtenSecret(key: string, text: string, { env }: Vault): Secret {
  const read = async (): Promise<string> =>
    text.replace(VARIABLE, (_, name: string) => env[name] ?? fail('config', `the variable ${name} is not set`));
  return { shown: shown(key, text), read };
}

/** The text that a file holds; one line end at its end does not count. */
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

// Of a URL the host may be seen; what stands before and behind it is often the key to it.
function shown(key: string, text: string): string {
  if (OPEN.includes(key) || text.replace(VARIABLE, '') === '') return text;
  const [, scheme, host] = /^([a-z][a-z+]*:\/\/)(?:[^/@]*@)?([\w.:[\]-]+)/i.exec(text) ?? [];
  return scheme && host ? `${scheme}${host}/…` : '…';
}
