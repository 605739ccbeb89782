import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Access } from './access.ts';

/** The files that ssh is given, in a folder that only this user may enter. */
export interface Keys {
  readonly folder: string;
  readonly ssh: { readonly identityFile?: string; readonly knownHostsFile?: string };
}

/** Writes key and known hosts where ssh can read them and nobody else; `folder` is where temporary files go. */
export async function writeKeys({ key, knownHosts }: NonNullable<Access['ssh']>, folder: string): Promise<Keys> {
  const own = await mkdtemp(path.join(folder, PREFIX));
  const write = async (name: string, text: string): Promise<string> => {
    const file = path.join(own, name);
    // ssh takes no key that others may read, nor one without its last line end or with Windows' line ends.
    await writeFile(file, `${text.replace(/\r\n?/g, '\n').trim()}\n`, { mode: 0o600, flag: 'wx' });
    return file;
  };
  return {
    folder: own,
    ssh: {
      ...(key === undefined ? {} : { identityFile: await write('key', key) }),
      ...(knownHosts === undefined ? {} : { knownHostsFile: await write('known_hosts', knownHosts) }),
    },
  };
}

const PREFIX = 'swapctl-keys-';

/** Takes them away again; they may be gone already. A folder that was not made here stays. */
export async function removeKeys(folder: string): Promise<void> {
  if (path.basename(folder).startsWith(PREFIX)) await rm(folder, { recursive: true, force: true });
}
