import type { Config, NotificationConfig, RegistryConfig } from './core/config.ts';
import type {
  Container,
  ContainerSummary,
  CreateRequest,
  HostConfig,
  Image,
  ImageSummary,
  RestartPolicy,
} from './core/container.ts';
import type { EngineEvent } from './core/event.ts';
import type { Platform } from './core/platform.ts';
import type { Progress } from './core/progress.ts';
import type { Delivery, Summary } from './core/summary.ts';
import type { Cover, KernelLayer } from './core/traffic.ts';

/** What an engine can do and is, as `doctor` and the planner need it. */
export interface EngineFacts {
  /** The name of its machine. */
  readonly name: string;
  /** Where it was reached, for people: `unix:///var/run/docker.sock (default)`. */
  readonly endpoint: string;
  /** Whether it runs on this very machine, so that its processes and networks are within reach. */
  readonly local: boolean;
  readonly product: 'docker' | 'podman';
  readonly version: string;
  /** The API version that was agreed on, and the range that the engine speaks. */
  readonly apiVersion: string;
  readonly apiRange: string;
  readonly os: string;
  readonly architecture: string;
  readonly imageStore: 'classic' | 'containerd';
  readonly rootless: boolean;
  /** The engine's clock minus this process's, in milliseconds. */
  readonly clockOffsetMs: number;
  readonly registries: RegistryRules;
}

/** How an engine was told to reach registries. */
export interface RegistryRules {
  /** Mirrors of Docker Hub, as URLs. */
  readonly mirrors: readonly string[];
  /** Registries (`host:port`) and networks (CIDR) that may be spoken to without proven TLS. */
  readonly insecure: readonly string[];
}

/** How registries are reached: as the engine does it, and what swapctl.yml says of single ones. */
export interface RegistryReach extends RegistryRules {
  /** By host, with the port where there is one. */
  readonly hosts?: Readonly<Record<string, RegistryConfig>>;
}

/** What came of a command run inside a container. */
export interface ExecResult {
  readonly exitCode: number;
  readonly output: string;
}

export interface Bridge {
  readonly device: string;
  /** In CIDR notation. */
  readonly subnets: readonly string[];
}

export interface PullLayer {
  readonly layer: string;
  readonly status: string;
  readonly current: number | undefined;
  readonly total: number | undefined;
}

/**
 * The container engine. Containers and images are named by id or name. "Not found" is an answer (`undefined`) where a
 * question is asked, and success where something is to be removed; every other refusal of the engine is an EngineError.
 */
export interface Engine {
  /** Asked for anew now and then: a clock drifts, and an engine may come back as another one. */
  facts(): Promise<EngineFacts>;
  list(): Promise<ContainerSummary[]>;
  container(id: string): Promise<Container | undefined>;
  image(reference: string): Promise<Image | undefined>;
  /** All images, also those that no tag names any more. */
  images(): Promise<ImageSummary[]>;
  imageTags(repository: string): Promise<string[]>;
  /** The engine's bridge networks: host interface and subnets of each. */
  bridges(): Promise<Bridge[]>;
  /** Digest of a reference in its registry, as the engine reaches it; undefined if the engine can't ask (Podman). */
  resolve(reference: string, signal?: AbortSignal): Promise<string | undefined>;
  pull(reference: string, onLayer: (layer: PullLayer) => void, signal?: AbortSignal): Promise<void>;
  tag(image: string, reference: string): Promise<void>;
  untag(reference: string): Promise<void>;
  /** Creates a container and resolves with its id. */
  create(request: CreateRequest): Promise<string>;
  start(id: string): Promise<void>;
  /** Stops with the container's own signal and timeout; resolves once it is down (with `--rm`: gone). */
  stop(id: string): Promise<void>;
  rename(id: string, name: string): Promise<void>;
  /**
   * Removes a stopped container; volumes stay. `discard` is for a container that never counted: running or not, with
   * the anonymous volumes that were made for it. An inert one has such volumes too, wherever its image declares any.
   */
  remove(id: string, options?: { discard?: boolean }): Promise<void>;
  setRestart(id: string, policy: RestartPolicy): Promise<void>;
  exec(
    id: string,
    command: readonly string[],
    options: { timeoutMs: number; signal?: AbortSignal },
  ): Promise<ExecResult>;
  logs(id: string, lines: number): Promise<string[]>;
  /** Paths that were added or changed since the container was created. */
  changes(id: string): Promise<string[]>;
  /** Copies one regular file, of a config's size, from a container into another; resolves with false where there is none. */
  copy(from: string, to: string, path: string): Promise<boolean>;
  /**
   * What happens to containers, from an instant (nanoseconds of the engine's clock) on. Ends when the engine closes the
   * stream, and when the signal aborts; whoever wants more asks again, and lists what there is: some may be missing between.
   */
  events(since: number, signal: AbortSignal): AsyncIterable<EngineEvent>;
  close(): void;
}

/** What a registry or the engine is given to log in: a user with a password, or an identity token. */
export type Login =
  | { readonly username: string; readonly password: string; readonly serveraddress: string }
  | { readonly identitytoken: string; readonly serveraddress: string };

/** Finds the login for a registry host such as `ghcr.io` or `localhost:5000`; undefined where none is kept. */
export type LoginFor = (registryHost: string) => Promise<Login | undefined>;

/** An image as a registry has it, for one platform. */
export interface RemoteImage {
  /** Of the platform's manifest. */
  readonly manifestDigest: string;
  readonly configDigest: string;
  /** When it was built, in milliseconds since the epoch, where it tells. */
  readonly created: number | undefined;
}

/**
 * The registries that references name, asked directly (OCI distribution specification), with the logins, mirrors,
 * exceptions and certificates that the engine uses. Raises `no-such-image`, `login`, `rate-limited`,
 * `bad-answer` (what can't be right, such as a manifest that is not what its digest says), `registry-unreachable`.
 */
export interface Registry {
  /** What the tag points at now, an index or a manifest: one HEAD, which no registry counts as a pull. */
  digest(reference: string, signal: AbortSignal): Promise<string>;
  /** The image of a digest (`repository@digest`) for a platform. Raises `wrong-platform` where there is none. */
  image(reference: string, platform: Platform, signal: AbortSignal): Promise<RemoteImage>;
  /** All tags of the repository. */
  tags(reference: string, signal: AbortSignal): Promise<string[]>;
  close(): void;
}

/** Traffic as the host sees it. */
export interface Traffic {
  /** Established connections on a container's listening ports; undefined where that is out of reach (remote engine, no rights). */
  connections(container: Process): Promise<number | undefined>;
  /** Whether an HTTP GET is answered with a status below 400, or a TCP connection is accepted. */
  reachable(
    address: { host: string; port: number; path?: string },
    timeoutMs: number,
  ): Promise<{ ok: boolean; output: string }>;
}

/** A running container, as the kernel knows it. */
export type Process = Pick<Container, 'id' | 'pid'>;

/** A container by its id or the beginning of that; undefined if it is gone. */
export type FindProcess = (id: string) => Promise<Process | undefined>;

/** One end of a forward: a running container and its addresses. */
export type ForwardEnd = Pick<Container, 'id' | 'pid' | 'networks'>;

/** What the kernel does with new connections to published ports; `slot` is the real name of the slot's container. */
export interface Kernel {
  /** Whether traffic of this engine's containers can be moved from here; `example` is one that runs, where there is any. */
  layer(bridges: readonly Bridge[], example: Process | undefined): Promise<KernelLayer>;
  cover(slot: string): Promise<Cover>;
  /** Leads new connections to the slot's ports to the stand-in; without a lifetime until they are led back. */
  setCover(slot: string, request: CoverRequest): Promise<void>;
  /** Leads new connections no more, and leaves those that are open as they are. */
  endCover(slot: string): Promise<void>;
  clearCover(slot: string): Promise<void>;
  /**
   * Turns new connections to a container away from its networks (not from its own loopback), as if nobody listened yet,
   * so that clients try the next address of the name. Open ones go on. Ends by itself after the lifetime. `fresh`: it has
   * just started and has no connections yet.
   */
  shut(container: Process, options: { lifetimeMs: number; fresh: boolean }): Promise<void>;
  open(container: Process): Promise<void>;
  /**
   * Leads new TCP connections to a container's addresses to another in the same networks, from wherever they come; the client
   * keeps its address, open connections stay where they are, and those that were led outlive the first container. Ends by
   * itself after the lifetime; asked for again it goes on. Raises `step-failed` where it can't.
   */
  forward(from: ForwardEnd, to: ForwardEnd, bridges: readonly Bridge[], lifetimeMs: number): Promise<void>;
  /** All forwards that lead new connections now: the beginnings of the two ids, and how many connections were led. */
  forwarding(): Promise<{ readonly from: string; readonly to: string; readonly connections: number }[]>;
  /**
   * Leads no new connection of a container (an id) any more. Resolves with how many of those that were led are still open: what leads these stays
   * until sweepForwards finds them closed.
   */
  endForward(from: string, find: FindProcess): Promise<number>;
  /** Takes away forwards whose first container is gone and whose connections are closed; resolves with how many. */
  sweepForwards(find: FindProcess): Promise<number>;
  /**
   * Takes away what covers slots other than those in use, who are asked for only after it was looked what there is: a roll
   * that begins in between is none of theirs. Resolves with how many there were.
   */
  clearOrphans(inUse: () => Promise<readonly string[]>): Promise<number>;
}

export interface CoverRequest {
  /** The host ports that the slot's container fixes. */
  readonly ports: HostConfig['PortBindings'];
  readonly standIn: Pick<Container, 'id' | 'pid' | 'published' | 'networks' | 'name'>;
  /** Host interfaces of the engine's bridge networks. */
  readonly bridges: readonly string[];
  readonly lifetimeMs: number | undefined;
}

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after the time, at once when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Cron expressions of five fields, and nicknames like `@daily`. */
export interface Schedules {
  /**
   * When an expression comes due next after an instant (both milliseconds since the epoch), by the clock of a time zone or
   * of this machine; undefined: never. Raises `config` for what is no expression.
   */
  next(expression: string, after: number, zone: string | undefined): Promise<number | undefined>;
}

/** This process, as others can recognise it. */
export interface Host {
  /** Identity of this process that no other process on any machine has. */
  readonly holder: string;
  /** Whether the process that called itself so still runs; undefined where that can't be told from here. */
  isAlive(holder: string): boolean | undefined;
  /** Id of the container that this process runs in; undefined outside of one. */
  readonly containerId: string | undefined;
  /** SHA-256 of a text's UTF-8, in hex. */
  sha256(text: string): string;
  /** Random, for ids of rolls. */
  randomId(): string;
  /** Registries that there is a login for. Raises `config` where Docker's config.json can't be read. */
  logins(): Promise<string[]>;
  /** A YAML file of this machine, parsed; undefined if it can't be read. */
  readYaml(path: string): Promise<unknown>;
}

/** A compose project, as the labels of its containers tell it: paths of the machine that compose ran on. */
export interface ComposeProject {
  readonly name: string;
  readonly folder: string;
  readonly files: readonly string[];
  readonly envFiles: readonly string[];
}

export interface Compose {
  /**
   * The services of a project as compose reads its files: merged, interpolated, with all defaults. Undefined where compose
   * is not installed or does not take the files.
   */
  services(project: ComposeProject): Promise<Readonly<Record<string, Readonly<Record<string, unknown>>>> | undefined>;
}

/**
 * Tells each of the notifiers, all at the same time; resolves with what came of each, in their order. Never rejects, and takes
 * no longer than some ten seconds.
 */
export type Notify = (
  summary: Summary,
  notifiers: readonly NotificationConfig[],
  signal: AbortSignal,
) => Promise<Delivery[]>;

/** Where progress goes; results never do. */
export type Report = (progress: Progress) => void;

/** The configuration, which can be read again while it is in use. */
export interface Configuration {
  /** What swapctl.yml says. Raises `config` with what is wrong in it, so that what does without it can go on. */
  readonly config: () => Config;
  /** Reads swapctl.yml again. Raises `config` with what is wrong in it; then what was read before stays. */
  readonly reloadConfig: () => Promise<void>;
}

/** Everything that the use cases need of the world. */
export interface Ports extends Configuration {
  readonly engine: Engine;
  readonly registry: Registry;
  readonly traffic: Traffic;
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly host: Host;
  readonly compose: Compose;
  readonly schedules: Schedules;
  readonly notify: Notify;
  readonly report: Report;
}
