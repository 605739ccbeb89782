import { Readable } from 'node:stream';
import type Dockerode from 'dockerode';
import { parseReference } from '../../../core/model/reference.ts';
import type { Engine } from '../../../ports/engine.ts';
import type { LoginFor } from '../../../ports/ports.ts';
import { ignoring, orUndefined, statusOf } from '../calls/error.ts';
import { shaped } from '../calls/shape.ts';
import { limited, TIMEOUTS, type Timeouts } from '../calls/timeouts.ts';
import { translating } from '../calls/translate.ts';
import type { Connection } from '../connect/connect.ts';
import type { Endpoint } from '../connect/endpoint.ts';
import { compareApi, type EngineVersion } from '../connect/negotiate.ts';
import { build } from './build.ts';
import { copyFile } from './copy.ts';
import { createContainer } from './create.ts';
import {
  decodeBridge,
  decodeChanges,
  decodeContainer,
  decodeImage,
  decodeImageSummary,
  decodeSummary,
} from './decode.ts';
import { events, isStopping, lastExit, wasStopped } from './events.ts';
import { exec } from './exec.ts';
import { engineFacts, remembered } from './facts.ts';
import { copyFolder, folderSize, hasPath } from './folders.ts';
import { start, startJoined } from './join.ts';
import { type Libpod, libpod } from './libpod.ts';
import { logs } from './logs.ts';
import { inDockerTerms, withShortNames } from './podman.ts';
import { pull } from './pull.ts';
import { createVolume, findVolume, listVolumes, volumeSizes } from './volumes.ts';

/** The engine port over dockerode: only this folder and its neighbours import dockerode. */
export function dockerEngine(
  connection: Connection,
  endpoint: Endpoint,
  credentialsFor: LoginFor,
  timeouts: Timeouts = TIMEOUTS,
): Engine {
  const { docker, version } = connection;
  const within = (limitMs: number): Dockerode => limited(docker, limitMs, timeouts.idle);
  const auth = async (reference: string): Promise<object | undefined> =>
    credentialsFor(parseReference(reference).registry);
  const podman = version.engine === 'podman' ? libpod(docker, timeouts) : undefined;
  const engine: Engine = {
    ...reads(within(timeouts.read), version, endpoint, podman),
    ...changes(within(timeouts.change), version),
    // Podman reports no network that a start joins.
    start: async (id, joined) => {
      const docker = within(timeouts.change);
      await (joined && !podman ? startJoined(docker, id, joined) : start(docker, id));
    },
    stop: (id) => stop(within, id, timeouts),
    restart: (id) => restart(within, id, timeouts),
    resolve: async (reference, signal) => {
      // Podman's Docker API has no such call; only a pull shows it.
      if (podman) return undefined;
      const authconfig = await auth(reference);
      const image = within(timeouts.change).getImage(reference);
      const answer = await unlessAborted(image.distribution(authconfig ? { authconfig } : undefined), signal);
      return (answer as { Descriptor?: { digest?: string } }).Descriptor?.digest;
    },
    pull: async (reference, onLayer, signal) => {
      const authconfig = await auth(reference);
      await pull(within(timeouts.idle), reference, authconfig, onLayer, { idleMs: timeouts.idle, signal });
    },
    // A step of a build may be silent for any time; only the signal ends it.
    build: (context, order, onLine, signal) =>
      build(docker, version, { context, order, onLine, signal, loginFor: credentialsFor }),
    unpack: async (id, archive) => {
      await within(timeouts.idle)
        .getContainer(id)
        .putArchive(Readable.from(archive, { objectMode: false }), { path: '/' });
    },
    ...volumes(within, timeouts),
    copy: (from, to, path) => copyFile(within(timeouts.change), from, to, path, timeouts.idle),
    // Events come at any time: only the end of the stream is an answer.
    events: (since, signal) => events(docker, endpoint, since, signal),
    close: connection.close,
  };
  return translating(engine, endpoint, { reads: READS, plain: PLAIN });
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
  | 'changes'
  | 'swarmNetworks'
  | 'wasStopped'
  | 'lastExit'
  | 'isStopping'
  | 'hasPath'
  | 'volumes'
  | 'volume';

function reads(docker: Dockerode, version: EngineVersion, endpoint: Endpoint, podman?: Libpod): Pick<Engine, Reads> {
  const named = (body: unknown): unknown => (podman ? withShortNames(body) : body);
  return {
    facts: remembered(() => engineFacts(docker, version, endpoint)),
    list: async () => {
      const found = all(await docker.listContainers({ all: true }))
        .map(named)
        .map((one) => decodeSummary(one, podman !== undefined));
      return podman ? podman.withPods(found) : found;
    },
    // An empty name would turn it into another call: the path of a list, and a redirect that docker-modem can't follow.
    container: async (id) => {
      if (id === '') return undefined;
      const found = await orUndefined(() => docker.getContainer(id).inspect());
      return found && decodeContainer(podman ? inDockerTerms(found) : found, version);
    },
    image: async (reference) => {
      if (reference === '') return undefined;
      const found = await orUndefined(() => inspectImage(docker, reference, version.apiVersion));
      if (found === undefined) return undefined;
      return decodeImage(podman ? await podman.withHealth(withShortNames(found)) : found);
    },
    images: async () =>
      all(await docker.listImages({ all: true }))
        .map(named)
        .map(decodeImageSummary),
    imageTags: async (repository) => {
      const images = await docker.listImages({ filters: JSON.stringify({ reference: [repository] }) });
      const tags = all(images).flatMap((image) => decodeImageSummary(named(image)).tags);
      return tags.filter((tag) => tag.startsWith(`${repository}:`));
    },
    bridges: async () => {
      if (podman) return podman.bridges();
      return all(await docker.listNetworks({ filters: JSON.stringify({ driver: ['bridge'] }) })).map(decodeBridge);
    },
    swarmNetworks: async () => {
      if (podman) return [];
      return all(await docker.listNetworks({ filters: JSON.stringify({ scope: ['swarm'] }) })).map(({ Name }) => Name);
    },
    hasPath: async (id, path) => (await orUndefined(() => hasPath(docker, id, path))) ?? false,
    volumes: (label) => listVolumes(docker, label),
    volume: (name) => findVolume(docker, name),
    exec: (id, command, options) => exec(docker, id, command, options),
    wasStopped: (id) => wasStopped(docker, id, podman !== undefined),
    lastExit: (id) => lastExit(docker, id, podman !== undefined),
    isStopping: async (id) => !podman && isStopping(docker, id),
    logs: (id, lines) => logs(docker.getContainer(id), lines),
    changes: async (id) => decodeChanges(await docker.getContainer(id).changes()),
  };
}

// A copy of large volumes has no time limit as long as it makes progress.
function volumes(
  within: (limitMs: number) => Dockerode,
  timeouts: Timeouts,
): Pick<Engine, 'copyFolder' | 'folderSize' | 'wait' | 'volumeSizes'> {
  const limits = (signal: AbortSignal | undefined) => ({ idleMs: timeouts.idle, signal });
  const patient = within(Infinity);
  return {
    copyFolder: (from, into, signal) => copyFolder(patient, from, into, limits(signal)),
    folderSize: (id, path, signal) => folderSize(patient, { container: id, path }, limits(signal)),
    wait: async (id, signal) => {
      const options = signal ? { abortSignal: signal } : {};
      const { StatusCode } = (await patient.getContainer(id).wait(options)) as { StatusCode?: number };
      return StatusCode ?? -1;
    },
    volumeSizes: () => volumeSizes(within(timeouts.change)),
  };
}

type Changes =
  | 'tag'
  | 'untag'
  | 'create'
  | 'kill'
  | 'rename'
  | 'remove'
  | 'setRestart'
  | 'createVolume'
  | 'removeVolume';

function changes(docker: Dockerode, { apiVersion }: EngineVersion): Pick<Engine, Changes> {
  const container = (id: string): Dockerode.Container => docker.getContainer(id);
  return {
    tag: async (image, reference) => {
      const { repository, tag } = splitTag(reference);
      await docker.getImage(image).tag({ repo: repository, tag });
    },
    untag: (reference) => ignoring([404], docker.getImage(reference).remove({ noprune: false })),
    create: (request) => createContainer(docker, request, apiVersion),
    kill: (id, signal) => container(id).kill({ signal }),
    rename: (id, name) => rename(container(id), name),
    remove: (id, options) => remove(container(id), options?.discard === true),
    createVolume: (name, labels) => createVolume(docker, name, labels),
    removeVolume: (name) => ignoring([404], docker.getVolume(name).remove()),
    setRestart: (id, policy) => container(id).update({ RestartPolicy: policy }),
  };
}

/** Calls that only read: repeating them can do no harm. */
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
  'swarmNetworks',
  'wasStopped',
  'lastExit',
  'isStopping',
  'hasPath',
  'volumes',
  'volume',
]);
// Neither has an answer; events report their errors themselves.
const PLAIN = new Set<keyof Engine>(['close', 'events']);

// From API 1.48, the engine shows the platform's own manifest on request.
function inspectImage(docker: Dockerode, reference: string, apiVersion: string): Promise<unknown> {
  const image = docker.getImage(reference);
  if (compareApi(apiVersion, '1.48') < 0) return image.inspect();
  return (image.inspect as (options: object) => Promise<unknown>)({ manifests: true });
}

function all<T>(answer: readonly T[]): readonly T[] {
  return shaped(answer, 'list of all');
}

// The engine's own default, in seconds; a container may have another, and -1 is for ever.
const STOP_TIMEOUT_S = 10;

async function stop(within: (limitMs: number) => Dockerode, id: string, timeouts: Timeouts): Promise<void> {
  const found = await orUndefined(() => within(timeouts.read).getContainer(id).inspect());
  if (!found) return;
  const container = within(stopLimit(found, timeouts)).getContainer(id);
  // The removal follows the stop on the engine's own time (T22): the name is free only afterwards.
  const removed = found.HostConfig.AutoRemove ? ignoring([404], container.wait({ condition: 'removed' })) : undefined;
  // Its failure is reported after the stop; Node ends a process for an unhandled rejection in between.
  removed?.catch(() => {});
  await ignoring([304, 404], container.stop());
  await removed;
}

async function restart(within: (limitMs: number) => Dockerode, id: string, timeouts: Timeouts): Promise<void> {
  const found = await within(timeouts.read).getContainer(id).inspect();
  await within(stopLimit(found, timeouts)).getContainer(id).restart();
}

function stopLimit({ Config }: Dockerode.ContainerInspectInfo, timeouts: Timeouts): number {
  const grace = (Config as { StopTimeout?: number }).StopTimeout ?? STOP_TIMEOUT_S;
  return grace < 0 ? Infinity : grace * 1000 + timeouts.change;
}

async function rename(container: Dockerode.Container, name: string): Promise<void> {
  const found = await container.inspect();
  // Renaming to the present name is an error (T14); after a crash the container may already have it.
  if (found.Name !== `/${name}`) await container.rename({ name });
}

// Volumes are never removed, except the anonymous ones of a container that never counted.
async function remove(container: Dockerode.Container, discard: boolean): Promise<void> {
  try {
    // A missing container counts as removed, but one wrong 404 would leave it behind.
    await orUndefined(() => container.remove({ force: discard, v: discard }));
  } catch (error) {
    if (statusOf(error) !== 409 || !/already in progress/.test(String(error))) throw error;
    await ignoring([404], container.wait({ condition: 'removed' }));
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
