import { join } from 'node:path';
import { type Address, parseAddress, type Source } from '../../../core/inventory/address.ts';
import { fail } from '../../../core/model/error.ts';
import { dockerConfigDir, parseDockerConfig } from '../credentials/config-file.ts';
import { readContext } from './contexts.ts';
import { readTls, type Tls, type World } from './world.ts';

/** The engine to use, and a phrase for the source of that choice (`DOCKER_HOST`, `context "prod"`). */
export type Endpoint = { readonly origin: string } & (
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tls?: Tls }
  | {
      readonly kind: 'ssh';
      readonly host: string;
      readonly user?: string;
      readonly port?: number;
      readonly socket?: string;
      readonly trust?: SshTrust;
    }
);

/** Files for ssh in place of the user's own: the key to log in with, and the keys of known hosts. */
export type SshTrust = { readonly identityFile?: string; readonly knownHostsFile?: string };

/** The options of the command line (`--host` and `--context`), and the values that a front gives instead of files and environment. */
export type Choice = {
  readonly host?: string | undefined;
  readonly context?: string | undefined;
  /** The place of the two options, if they are not on the command line. */
  readonly origin?: string | undefined;
  readonly ssh?: SshTrust | undefined;
  readonly tls?: Tls | undefined;
};

const DEFAULT_SOCKET = '/var/run/docker.sock';

/**
 * The engine of the docker CLI: --host, --context, DOCKER_HOST, DOCKER_CONTEXT, the current context, the default socket. Fails
 * with 'usage' (options) or 'config' (environment, files), naming the source of the value and the allowed forms.
 */
export async function chooseEndpoint(choice: Choice, world: World): Promise<Endpoint> {
  if (choice.host && choice.context)
    fail('usage', '--host and --context contradict each other', { hint: 'give one of them' });
  const source = (option: string): Source =>
    choice.origin === undefined ? { origin: option, code: 'usage' } : { origin: choice.origin, code: 'config' };
  if (choice.host) return given(await fromAddress(choice.host, source('--host'), world, choice.tls), choice);
  if (choice.context) return fromContext(choice.context, source('--context'), world);
  if (world.env.DOCKER_HOST) return fromEnvironment(world);
  return fromChosenContext(world);
}

function given(endpoint: Endpoint, { ssh }: Choice): Endpoint {
  return endpoint.kind === 'ssh' && ssh ? { ...endpoint, trust: ssh } : endpoint;
}

async function fromChosenContext(world: World): Promise<Endpoint> {
  const { DOCKER_CONTEXT: name } = world.env;
  if (name) return fromContext(name, { origin: 'DOCKER_CONTEXT', code: 'config' }, world);
  const file = join(dockerConfigDir(world.env, world.home), 'config.json');
  const { currentContext } = parseDockerConfig((await world.read(file)) ?? '{}', file);
  return fromContext(currentContext || 'default', { origin: `currentContext in ${file}`, code: 'config' }, world);
}

/** The name "default" means DOCKER_HOST, else the default socket, as in docker. */
async function fromContext(name: string, source: Source, world: World): Promise<Endpoint> {
  if (name === 'default') return world.env.DOCKER_HOST ? fromEnvironment(world) : defaultSocket(world);
  const context = await readContext(name, source, world);
  const origin = `context "${name}"`;
  const address = parseAddress(context.host, { origin, code: 'config' });
  return complete(address, context.tls, { origin, world });
}

function fromEnvironment(world: World): Promise<Endpoint> {
  return fromAddress(world.env.DOCKER_HOST ?? '', { origin: 'DOCKER_HOST', code: 'config' }, world);
}

/** TLS of the environment counts for tcp alone, so that a leftover DOCKER_TLS_VERIFY doesn't break a unix socket. */
async function fromAddress(text: string, source: Source, world: World, ownTls?: Tls): Promise<Endpoint> {
  const address = parseAddress(text, source);
  const tls = address.kind === 'tcp' ? (ownTls ?? (await tlsOfEnvironment(world))) : undefined;
  return complete(address, tls, { origin: source.origin, world });
}

async function complete(
  address: Address,
  tls: Tls | undefined,
  { origin, world }: { origin: string; world: World },
): Promise<Endpoint> {
  if (address.kind === 'default') return { ...(await defaultSocket(world)), origin };
  if (address.kind !== 'tcp') return { ...address, origin };
  return { ...address, port: address.port ?? (tls ? 2376 : 2375), ...(tls && { tls }), origin };
}

/** As docker: any value of DOCKER_TLS_VERIFY (even "0") means verify, DOCKER_TLS alone means TLS that proves nothing. */
async function tlsOfEnvironment({ env, home, read }: World): Promise<Tls | undefined> {
  const verify = Boolean(env.DOCKER_TLS_VERIFY);
  if (!verify && !env.DOCKER_TLS) return undefined;
  const folder = env.DOCKER_CERT_PATH || dockerConfigDir(env, home);
  const tls = await readTls(folder, verify, read);
  if (verify && tls.ca === undefined)
    fail('config', `DOCKER_TLS_VERIFY is set, but there is no ${join(folder, 'ca.pem')} to verify the engine with`, {
      hint: 'set DOCKER_CERT_PATH to the folder that holds ca.pem, cert.pem and key.pem, or unset DOCKER_TLS_VERIFY',
    });
  return tls;
}

/** The system's socket; that of a rootless engine or of Docker Desktop only if the first doesn't exist. */
async function defaultSocket({ env, home, exists }: World): Promise<Endpoint & { kind: 'unix' }> {
  const rootless = env.XDG_RUNTIME_DIR ? [join(env.XDG_RUNTIME_DIR, 'docker.sock')] : [];
  for (const path of [DEFAULT_SOCKET, ...rootless, join(home, '.docker/run/docker.sock')])
    if (await exists(path)) return { kind: 'unix', path, origin: 'the default socket' };
  return { kind: 'unix', path: DEFAULT_SOCKET, origin: 'the default socket' };
}

/** The endpoint in the notation of users, for messages. */
export function showEndpoint(endpoint: Endpoint): string {
  if (endpoint.kind === 'unix') return `unix://${endpoint.path}`;
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host;
  if (endpoint.kind === 'tcp') return `tcp://${host}:${endpoint.port}`;
  const user = endpoint.user === undefined ? '' : `${endpoint.user}@`;
  const port = endpoint.port === undefined ? '' : `:${endpoint.port}`;
  return `ssh://${user}${host}${port}${endpoint.socket ?? ''}`;
}
