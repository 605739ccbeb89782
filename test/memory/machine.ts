// The contents of an engine in memory: containers, images, volumes, networks, and events.
import type {
  ContainerConfig,
  ContainerStatus,
  Endpoint,
  HostConfig,
  Mount,
  PublishedPort,
} from '../../src/core/model/container.ts';
import { EngineError } from '../../src/core/model/engine-error.ts';
import type { App } from './apps.ts';
import type { VirtualClock } from './clock.ts';

/** One container. */
export interface Box {
  readonly id: string;
  name: string;
  readonly image: StoredImage;
  readonly config: ContainerConfig;
  host: HostConfig;
  readonly createdAt: number;
  status: ContainerStatus;
  pid: number;
  exitCode: number;
  error: string;
  startedAt: number;
  finishedAt: number;
  restartCount: number;
  networks: Record<string, Endpoint>;
  readonly mounts: readonly Mount[];
  published: readonly PublishedPort[];
  /** Files of its own layer, by path. */
  readonly files: Map<string, string>;
  readonly logs: string[];
  /** The program of its image. */
  app: App;
  /** True: a client stopped or killed it: no policy starts it again before the daemon does. */
  stoppedByHand: boolean;
  /** The number of its runs: an effect on an earlier run does not affect this one. */
  run: number;
  /** From then on it gives no good answer, whatever its program does. */
  sickSince: number;
  health: Health;
  /** The end of a request in progress on one connection to it, and the end of another idle one. */
  busyUntil: number;
  idleUntil: number;
  /** Its view from outside, cached until a change. */
  shown: unknown;
}

/** The results of the engine's own health checks so far. */
export interface Health {
  probes: number;
  failures: number;
  status: 'starting' | 'healthy' | 'unhealthy';
  log: { exitCode: number; output: string }[];
}

export interface StoredImage {
  readonly id: string;
  readonly config: ContainerConfig;
  readonly os: string;
  readonly architecture: string;
  readonly createdAt: number;
  readonly app: App;
  /** `repository@digest` entries. */
  digests: readonly string[];
}

export interface StoredVolume {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly anonymous: boolean;
  /** Texts by path inside the volume. */
  readonly files: Map<string, string>;
}

export interface StoredNetwork {
  readonly name: string;
  /** True: a Swarm created it on the engine. */
  swarm?: boolean;
  readonly id: string;
  /** The first two numbers of its addresses. */
  readonly prefix: string;
  readonly taken: Set<string>;
}

/** An event of the engine's stream. */
export interface Happening {
  readonly timeNano: number;
  readonly type: 'container' | 'image';
  readonly id: string;
  readonly action: string;
  readonly name: string | undefined;
}

export interface Machine {
  readonly clock: VirtualClock;
  readonly boxes: Map<string, Box>;
  readonly names: Map<string, Box>;
  readonly images: Map<string, StoredImage>;
  /** Image ids by reference, in its canonical form. */
  readonly tags: Map<string, string>;
  readonly volumes: Map<string, StoredVolume>;
  readonly networks: Map<string, StoredNetwork>;
  readonly happenings: Happening[];
  readonly listeners: Set<(happening: Happening) => void>;
  /** Ids of containers that ran when a process removed them, without a stop signal. */
  readonly killedByRemoval: string[];
  /** True: the daemon answers. */
  up: boolean;
  /** True: containers outlive their daemon. */
  liveRestore: boolean;
  /** Grows with every change in the list of containers. */
  version: number;
  /** Ids of containers by the fixed host ports that they hold. */
  readonly hostPorts: Map<string, string>;
  count: number;
}

/** The instant at which every machine begins. */
export const BEGIN = Date.parse('2026-03-02T12:00:00Z');

export function newMachine(clock: VirtualClock): Machine {
  const machine: Machine = {
    clock,
    boxes: new Map(),
    names: new Map(),
    images: new Map(),
    tags: new Map(),
    volumes: new Map(),
    networks: new Map(),
    happenings: [],
    listeners: new Set(),
    killedByRemoval: [],
    up: true,
    liveRestore: false,
    version: 0,
    hostPorts: new Map(),
    count: 0,
  };
  addNetwork(machine, 'bridge');
  return machine;
}

export function addNetwork(machine: Machine, name: string): StoredNetwork {
  const prefix = `172.${17 + machine.networks.size}`;
  const network = { name, id: newId(machine, 'e'), prefix, taken: new Set([`${prefix}.0.1`]) };
  machine.networks.set(name, network);
  return network;
}

/** 64 unique hex digits; the first shows the kind. */
export function newId(machine: Machine, kind: string): string {
  const count = (++machine.count).toString(16).padStart(6, '0');
  // A unique prefix, as real ids have.
  return `${kind}${count}`.padEnd(64, '0');
}

/** A container by its id, its name or a prefix of its id. */
export function boxOf(machine: Machine, reference: string): Box | undefined {
  const known = machine.boxes.get(reference) ?? machine.names.get(reference);
  if (known || !/^[0-9a-f]{4,63}$/.test(reference)) return known;
  const found = [...machine.boxes.values()].filter(({ id }) => id.startsWith(reference));
  return found.length === 1 ? found[0] : undefined;
}

/** The same. Raises a 404 for a missing one. */
export function mustBox(machine: Machine, reference: string): Box {
  return boxOf(machine, reference) ?? refuse(404, `No such container: ${reference}`);
}

export function isUp({ status }: Pick<Box, 'status'>): boolean {
  return status === 'running' || status === 'paused' || status === 'restarting';
}

/** Invalidates the caches of a container and of the list. */
export function changed(machine: Machine, box?: Box): void {
  machine.version++;
  if (box) box.shown = undefined;
}

/** Raises the engine's refusal. */
export function refuse(status: number, message: string): never {
  throw new EngineError(status, message);
}
