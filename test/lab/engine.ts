// The engine that the tests run on: DOCKER_HOST, or the default socket.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import Docker from 'dockerode';

const DEFAULT_SOCKET = '/var/run/docker.sock';

export interface EngineUnderTest {
  dockerHost: string;
  docker: Docker;
  /** Where this machine reaches published ports. */
  address: string;
  /** Where the engine (and a container) reaches this machine; not for the default engine, whose networks each have a gateway. */
  hostAddress: string;
  /** The network namespace that it lives in, if that is not this machine's: there its ports are at 127.0.0.1. */
  netns: string | undefined;
  /** The environment of a process that shall talk to this engine. */
  env: NodeJS.ProcessEnv;
}

export function engineUnderTest(): EngineUnderTest {
  const engine = engineAt(process.env.DOCKER_HOST || `unix://${DEFAULT_SOCKET}`);
  // Tests also run swapctl in their own process, which finds nft by that PATH.
  process.env.PATH = engine.env.PATH;
  return engine;
}

export function engineAt(dockerHost: string): EngineUnderTest {
  const { nft, ...addresses } = placeOf(dockerHost);
  return {
    dockerHost,
    docker: dockerAt(dockerHost),
    ...addresses,
    env: { ...process.env, DOCKER_HOST: dockerHost, ...(nft && { PATH: withFirst(nft, process.env.PATH) }) },
  };
}

/** What engines.ts notes beside the socket of an engine in a namespace. */
export interface EngineNote {
  address: string;
  hostAddress: string;
  /** The folder with the nft of the engine's suite. */
  nft: string;
}

type Place = Pick<EngineUnderTest, 'address' | 'hostAddress' | 'netns'> & { nft?: string };

/** Published ports of an engine in a namespace are not on loopback. */
function placeOf(dockerHost: string): Place {
  const { protocol, pathname, hostname } = new URL(dockerHost);
  if (protocol !== 'unix:') return { address: hostname, hostAddress: hostname, netns: undefined };
  const file = path.join(path.dirname(pathname), 'engine.json');
  if (!existsSync(file)) return { address: '127.0.0.1', hostAddress: '127.0.0.1', netns: undefined };
  const note: EngineNote = JSON.parse(readFileSync(file, 'utf8'));
  // start-engine.sh names the namespace by the number that is in its network.
  return { ...note, netns: `swapctl-${note.address.split('.')[2]}` };
}

function withFirst(folder: string, folders = ''): string {
  return [folder, ...folders.split(':').filter((one) => one !== folder)].join(':');
}

function dockerAt(dockerHost: string): Docker {
  const url = new URL(dockerHost);
  if (url.protocol !== 'unix:') {
    return new Docker({ host: url.hostname, port: url.port || 2375, protocol: 'http' });
  }
  // dockerode merges options over what it reads from DOCKER_HOST, so a socket alone would not be enough to win against it.
  return new Docker({
    socketPath: url.pathname,
    host: undefined,
    port: undefined,
    protocol: 'http',
  } as Docker.DockerOptions);
}

const podmen = new WeakMap<Docker, Promise<boolean>>();

/** Whether what answers is Podman's Docker API. */
export function isPodman(docker: Docker): Promise<boolean> {
  const known =
    podmen.get(docker) ?? docker.version().then(({ Components = [] }) => Components[0]?.Name === 'Podman Engine');
  podmen.set(docker, known);
  return known;
}

export interface EngineFacts {
  version: string;
  apiVersion: string;
  /** HEALTHCHECK --start-interval is stored and obeyed (API 1.44); older engines drop it silently. */
  startInterval: boolean;
  containerdStore: boolean;
  podman: boolean;
  /** Whether even an image that was built here, and is in no registry, has a digest. */
  digestsOfBuilds: boolean;
}

/** What tests may have to know about the engine to expect the right thing from it. */
export async function engineFacts(docker: Docker): Promise<EngineFacts> {
  const [version, info] = await Promise.all([docker.version(), docker.info()]);
  const containerdStore = JSON.stringify(info.DriverStatus ?? '').includes('containerd.snapshotter');
  const podman = await isPodman(docker);
  return {
    version: version.Version,
    apiVersion: version.ApiVersion,
    startInterval: Number(version.ApiVersion.split('.')[1]) >= 44,
    containerdStore,
    podman,
    digestsOfBuilds: containerdStore || podman,
  };
}

/**
 * The whole of an answer that comes as lines (import, load, push, pull, build). The engine reports a failure as one of
 * these lines, after a good status.
 */
export async function endOf(answer: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of answer) text += chunk;
  const failed = text.split('\n').find((line) => line.includes('"error"'));
  if (failed) throw new Error(JSON.parse(failed).error);
  return text;
}
