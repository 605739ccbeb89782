import type Dockerode from 'dockerode';
import pRetry from 'p-retry';
import { isFault } from '../../core/engine-error.ts';
import { parseReference } from '../../core/reference.ts';
import type { Engine, LoginFor } from '../../ports.ts';
import type { Connection } from '../connect/connect.ts';
import type { Endpoint } from '../connect/endpoint.ts';
import { compareApi, type EngineVersion } from '../connect/negotiate.ts';
import { copyFile } from './copy.ts';
import { createContainer } from './create.ts';
import { decodeBridge, decodeContainer, decodeImage, decodeImageSummary, decodeSummary } from './decode.ts';
import { engineError, statusOf } from './error.ts';
import { events } from './events.ts';
import { exec } from './exec.ts';
import { engineFacts, remembered } from './facts.ts';
import { limited, PATIENCE, type Patience } from './patience.ts';
import { pull } from './pull.ts';

/** The engine port over dockerode: the only place, with its neighbours, that knows dockerode. */
export function dockerEngine(
  connection: Connection,
  endpoint: Endpoint,
  credentialsFor: LoginFor,
  patience: Patience = PATIENCE,
): Engine {
  const { docker, version } = connection;
  const within = (limitMs: number): Dockerode => limited(docker, limitMs, patience.idle);
  const auth = async (reference: string): Promise<object | undefined> =>
    credentialsFor(parseReference(reference).registry);
  const engine: Engine = {
    ...reads(within(patience.read), version, endpoint),
    ...changes(within(patience.change), version),
    stop: (id) => stop(within, id, patience),
    resolve: async (reference, signal) => {
      // Podman's Docker API has no such call; there the pull itself tells.
      if (version.engine === 'podman') return undefined;
      const authconfig = await auth(reference);
      const image = within(patience.change).getImage(reference);
      const answer = await unlessAborted(image.distribution(authconfig ? { authconfig } : undefined), signal);
      return (answer as { Descriptor?: { digest?: string } }).Descriptor?.digest;
    },
    pull: async (reference, onLayer, signal) => {
      const authconfig = await auth(reference);
      await pull(within(patience.idle), reference, authconfig, onLayer, { idleMs: patience.idle, signal });
    },
    copy: (from, to, path) => copyFile(within(patience.change), from, to, path, patience.idle),
    // They come when they come: only their end is an answer.
    events: (since, signal) => events(docker, endpoint, since, signal),
    close: connection.close,
  };
  return translating(engine, endpoint);
}

type Reads =
  | 'facts'
  | 'list'
  | 'container'
  | 'image'
  | 'images'
  | 'imageTags'
  | 'bridges'
  | 'exec'
  | 'logs'
  | 'changes';

function reads(docker: Dockerode, version: EngineVersion, endpoint: Endpoint): Pick<Engine, Reads> {
  return {
    facts: remembered(() => engineFacts(docker, version, endpoint)),
    list: async () => (await docker.listContainers({ all: true })).map(decodeSummary),
    // An empty name would make another call of it: the path of a list, and a redirect that docker-modem trips over.
    container: async (id) => {
      if (id === '') return undefined;
      const found = await orUndefined(docker.getContainer(id).inspect());
      return found && decodeContainer(found, version);
    },
    image: async (reference) => {
      if (reference === '') return undefined;
      const found = await orUndefined(inspectImage(docker, reference, version.apiVersion));
      return found === undefined ? undefined : decodeImage(found);
    },
    images: async () => (await docker.listImages({ all: true })).map(decodeImageSummary),
    imageTags: async (repository) => {
      const images = await docker.listImages({ filters: JSON.stringify({ reference: [repository] }) });
      return images.flatMap((image) => image.RepoTags ?? []).filter((tag) => tag.startsWith(`${repository}:`));
    },
    bridges: async () =>
      (await docker.listNetworks({ filters: JSON.stringify({ driver: ['bridge'] }) })).map(decodeBridge),
    exec: (id, command, options) => exec(docker, id, command, options),
    logs: (id, lines) => logs(docker.getContainer(id), lines),
    changes: async (id) =>
      ((await docker.getContainer(id).changes()) ?? [])
        .filter((change: { Kind: number }) => change.Kind !== DELETED)
        .map((change: { Path: string }) => change.Path),
  };
}

type Changes = 'tag' | 'untag' | 'create' | 'start' | 'rename' | 'remove' | 'setRestart';

function changes(docker: Dockerode, { apiVersion }: EngineVersion): Pick<Engine, Changes> {
  const container = (id: string): Dockerode.Container => docker.getContainer(id);
  return {
    tag: async (image, reference) => {
      const { repository, tag } = splitTag(reference);
      await docker.getImage(image).tag({ repo: repository, tag });
    },
    untag: (reference) => ignoring([404], docker.getImage(reference).remove({ noprune: false })),
    create: (request) => createContainer(docker, request, apiVersion),
    start: (id) => ignoring([304], container(id).start()),
    rename: (id, name) => rename(container(id), name),
    remove: (id, options) => remove(container(id), options?.discard === true),
    setRestart: (id, policy) => container(id).update({ RestartPolicy: policy }),
  };
}

const DELETED = 2;

/** Calls that only read: asking them again can do no harm. */
const READS = new Set<keyof Engine>([
  'facts',
  'list',
  'container',
  'image',
  'images',
  'imageTags',
  'bridges',
  'logs',
  'changes',
]);
const RETRIES = { retries: 3, minTimeout: 100, factor: 3 };

/** Every call's error in swapctl's own type; reads are tried again where the connection broke or the engine had a fault. */
function translating(engine: Engine, endpoint: Endpoint): Engine {
  const wrapped = Object.entries(engine).map(([name, call]) => {
    // Neither is an answer; events tell their errors themselves.
    if (name === 'close' || name === 'events') return [name, call];
    const translated = translate(call as (...args: unknown[]) => Promise<unknown>, endpoint);
    if (!READS.has(name as keyof Engine)) return [name, translated];
    const again = { ...RETRIES, shouldRetry: ({ error }: { error: Error }) => isFault(error) };
    return [name, (...args: unknown[]) => pRetry(() => translated(...args), again)];
  });
  return Object.fromEntries(wrapped) as Engine;
}

function translate(call: (...args: unknown[]) => Promise<unknown>, endpoint: Endpoint) {
  return async (...args: unknown[]): Promise<unknown> => {
    try {
      return await call(...args);
    } catch (error) {
      throw engineError(endpoint, error);
    }
  };
}

// The platform's own manifest is only told when it is asked for, from API 1.48 on.
function inspectImage(docker: Dockerode, reference: string, apiVersion: string): Promise<unknown> {
  const image = docker.getImage(reference);
  if (compareApi(apiVersion, '1.48') < 0) return image.inspect();
  return (image.inspect as (options: object) => Promise<unknown>)({ manifests: true });
}

// The engine's own default, in seconds; a container may say otherwise, and -1 is for ever.
const STOP_TIMEOUT_S = 10;

async function stop(within: (limitMs: number) => Dockerode, id: string, patience: Patience): Promise<void> {
  const found = await orUndefined(within(patience.read).getContainer(id).inspect());
  if (!found) return;
  const grace = (found.Config as { StopTimeout?: number }).StopTimeout ?? STOP_TIMEOUT_S;
  const container = within(grace < 0 ? Infinity : grace * 1000 + patience.change).getContainer(id);
  // Removal comes after the stop, on the engine's own time (T22): the name is free only when that is over.
  const removed = found.HostConfig.AutoRemove ? ignoring([404], container.wait({ condition: 'removed' })) : undefined;
  await ignoring([304, 404], container.stop());
  await removed;
}

async function rename(container: Dockerode.Container, name: string): Promise<void> {
  const found = await container.inspect();
  // Renaming to the name that it has is an error (T14); after a crash it may have it already.
  if (found.Name !== `/${name}`) await container.rename({ name });
}

// Volumes are never removed, save the anonymous ones of a container that never counted.
async function remove(container: Dockerode.Container, discard: boolean): Promise<void> {
  try {
    await container.remove({ force: discard, v: discard });
  } catch (error) {
    if (statusOf(error) === 404) return;
    if (statusOf(error) !== 409 || !/already in progress/.test(String(error))) throw error;
    await ignoring([404], container.wait({ condition: 'removed' }));
  }
}

async function logs(container: Dockerode.Container, lines: number): Promise<string[]> {
  const { Config } = await container.inspect();
  const raw = (await container.logs({ stdout: true, stderr: true, tail: lines, follow: false })) as unknown;
  const buffer = Buffer.isBuffer(raw) ? raw : Buffer.from(typeof raw === 'string' ? raw : JSON.stringify(raw));
  const text = Config.Tty ? buffer.toString() : unframed(buffer);
  return text
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
    .slice(-lines);
}

// Without a terminal both outputs come in frames: one byte stream, three zero bytes, four bytes length (Engine API, attach).
function unframed(buffer: Buffer): string {
  let text = '';
  for (let at = 0; at + 8 <= buffer.length; ) {
    const length = buffer.readUInt32BE(at + 4);
    text += buffer.toString('utf8', at + 8, at + 8 + length);
    at += 8 + length;
  }
  return text;
}

async function orUndefined<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

async function ignoring(statuses: readonly number[], call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!statuses.includes(statusOf(error) ?? -1)) throw error;
  }
}

function unlessAborted<T>(call: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return call;
  const aborted = new Promise<never>((_, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
  );
  return Promise.race([call, aborted]);
}

function splitTag(reference: string): { repository: string; tag: string } {
  const colon = reference.lastIndexOf(':');
  return { repository: reference.slice(0, colon), tag: reference.slice(colon + 1) };
}
