import { homedir } from 'node:os';
import { join } from 'node:path';
import { looked, namesIn } from '../../files/read.ts';
import { type Env, textOf } from '../credentials/config-file.ts';

/** The parts of the machine that select the engine; `read` gives undefined for a missing file, `list` nothing for a missing folder. */
export type World = {
  readonly env: Env;
  readonly home: string;
  readonly read: (path: string) => Promise<string | undefined>;
  readonly exists: (path: string) => Promise<boolean>;
  readonly list: (folder: string) => Promise<readonly string[]>;
};

/** The TLS material of a tcp endpoint, as PEM text; `verify`: the engine's certificate must be verified. */
export type Tls = { readonly ca?: string; readonly cert?: string; readonly key?: string; readonly verify: boolean };

/** The World of the running process. */
export function thisMachine(): World {
  return { env: process.env, home: homedir(), read: textOf, exists, list };
}

function exists(path: string): Promise<boolean> {
  return looked(path).then(
    () => true,
    () => false,
  );
}

function list(folder: string): Promise<readonly string[]> {
  return namesIn(folder).catch(() => []);
}

/** The existing TLS files of a folder (ca.pem, cert.pem, key.pem). */
export async function readTls(folder: string, verify: boolean, read: World['read']): Promise<Tls> {
  const [ca, cert, key] = await Promise.all(['ca.pem', 'cert.pem', 'key.pem'].map((name) => read(join(folder, name))));
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }), verify };
}
