import { join } from 'node:path';
import { fail } from '../../../core/model/error.ts';
import type { Login, LoginFor } from '../../../ports/ports.ts';
import {
  type AuthEntry,
  configFile,
  type DockerConfig,
  dockerConfigDir,
  type Env,
  podmanAuthFile,
} from './config-file.ts';
import { askHelper, type Run, runProgram } from './helper.ts';

/** A login for one registry, such as `ghcr.io` or `docker.io`, that is in no file. */
export type GivenLogin = { readonly registry: string; readonly username: string; readonly password: string };

/** The places of logins, the logins that override them, and the runner of helpers. */
export type CredentialOptions = {
  readonly env: Env;
  readonly home: string;
  readonly given?: readonly GivenLogin[];
  readonly run?: Run;
};

type Source = { readonly file: string; readonly config: DockerConfig };

/** Docker Hub: references say docker.io, the API is at registry-1.docker.io, and docker stores the login under this key. */
const HUB_KEY = 'https://index.docker.io/v1/';
const HUB_NAMES = ['docker.io', 'index.docker.io', 'registry-1.docker.io'];

/**
 * A function that finds the login for a registry host among the given ones, in docker's config, then in podman's, and reads
 * changed files again; undefined means there is none. It fails with 'config' on a broken file and with 'login' on a broken
 * helper.
 */
export function openCredentials({ env, home, given = [], run = runProgram }: CredentialOptions): LoginFor {
  const files = [join(dockerConfigDir(env, home), 'config.json'), podmanAuthFile(env)].filter(
    (file) => file !== undefined,
  );
  const readers = files.map((file) => ({ file, read: configFile(file) }));
  return async (registryHost) => {
    const own = given.find(({ registry }) => serverOf(registry) === serverOf(registryHost));
    if (own) return { username: own.username, password: own.password, serveraddress: serverOf(registryHost) };
    for (const { file, read } of readers) {
      const found = await find({ file, config: await read() }, registryHost, run);
      if (found) return found;
    }
    return undefined;
  };
}

/** Docker's order: the helper of exactly this host, else the store of all hosts, else the file itself. */
async function find(source: Source, host: string, run: Run): Promise<Login | undefined> {
  const server = serverOf(host);
  const helper = helperOf(source.config, host, server);
  return (helper && (await fromHelper(helper, server, run))) || fromAuths(source, server);
}

function serverOf(host: string): string {
  return HUB_NAMES.includes(host) ? HUB_KEY : host;
}

/** Hub's helper counts under its key, as docker writes it, and under its short names, as users do. */
function helperOf(config: DockerConfig, host: string, server: string): string | undefined {
  const keys = server === HUB_KEY ? [HUB_KEY, ...HUB_NAMES] : [host];
  const helpers = config.credHelpers ?? {};
  return keys.map((key) => helpers[key]).find(Boolean) || config.credsStore || undefined;
}

async function fromHelper(helper: string, server: string, run: Run): Promise<Login | undefined> {
  const answer = await askHelper(helper, server, run);
  if (!answer) return undefined;
  if (answer.username === '<token>') return { identitytoken: answer.secret, serveraddress: server };
  return { username: answer.username, password: answer.secret, serveraddress: server };
}

/** Keys in `auths` may have a scheme and a path (old logins): the exact key wins, then one of the same host. */
function fromAuths({ file, config }: Source, server: string): Login | undefined {
  const entries = Object.entries(config.auths ?? {});
  const named = entries.find(([key]) => key === server) ?? entries.find(([key]) => sameHost(key, server));
  return named && fromEntry(named[1], { file, key: named[0], server });
}

function sameHost(key: string, server: string): boolean {
  const host = hostOf(key);
  return server === HUB_KEY ? HUB_NAMES.includes(host) : host === server;
}

function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, '').split('/')[0] ?? '';
}

function fromEntry(entry: AuthEntry, at: { file: string; key: string; server: string }): Login | undefined {
  const serveraddress = at.server;
  if (entry.identitytoken) return { identitytoken: entry.identitytoken, serveraddress };
  if (entry.auth) return { ...decode(entry.auth, at), serveraddress };
  if (!entry.username) return undefined;
  return { username: entry.username, password: entry.password ?? '', serveraddress };
}

/** `auth` is base64 of user:password; docker once padded the password with NULs. */
function decode(
  auth: string,
  at: { file: string; key: string; server: string },
): { username: string; password: string } {
  const text = Buffer.from(auth, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 1)
    return fail('config', `the entry ${at.key} of auths in ${at.file} is not base64 of user:password`, {
      hint: `log in again: docker login ${hostOf(at.server)}`,
    });
  return { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, '') };
}
