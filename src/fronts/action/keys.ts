import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Access } from './access.ts';

/** The files for ssh, in a folder that only this user may enter. */
export interface Keys {
  readonly folder: string;
  readonly ssh: { readonly identityFile?: string; readonly knownHostsFile?: string };
}

/** Writes key and known hosts for ssh, readable only for this user; `folder` is the place of temporary files. */
export async function writeKeys({ key, knownHosts }: NonNullable<Access['ssh']>, folder: string): Promise<Keys> {
  const own = await mkdtemp(path.join(folder, PREFIX));
  const write = async (name: string, text: string): Promise<string> => {
    const file = path.join(own, name);
    // ssh refuses a key that others may read, that lacks its last line end, or that has Windows line ends.
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

/** Removes them again; they may be gone already. A folder of another origin stays. */
export async function removeKeys(folder: string): Promise<void> {
  if (path.basename(folder).startsWith(PREFIX)) await rm(folder, { recursive: true, force: true });
}
