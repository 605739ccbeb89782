import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Env, readText } from '../credentials/config-file.ts';

/** What of the machine decides which engine is meant; `read` gives undefined for a missing file, `list` nothing for a missing folder. */
export type World = {
  readonly env: Env;
  readonly home: string;
  readonly read: (path: string) => string | undefined;
  readonly exists: (path: string) => boolean;
  readonly list: (folder: string) => readonly string[];
};

/** The TLS material of a tcp endpoint, as PEM text; `verify` is whether the engine's certificate must be proven. */
export type Tls = { readonly ca?: string; readonly cert?: string; readonly key?: string; readonly verify: boolean };

/** The World of the running process. */
export function thisMachine(): World {
  const list = (folder: string) => (existsSync(folder) ? readdirSync(folder) : []);
  return { env: process.env, home: homedir(), read: readText, exists: existsSync, list };
}

/** The TLS files of a folder (ca.pem, cert.pem, key.pem), as far as they exist. */
export function readTls(folder: string, verify: boolean, read: World['read']): Tls {
  const ca = read(join(folder, 'ca.pem'));
  const cert = read(join(folder, 'cert.pem'));
  const key = read(join(folder, 'key.pem'));
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }), verify };
}
