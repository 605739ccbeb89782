import type { BuildEnd, BuildOrder, BuildOutline, BuildSpec, BuiltImage } from '../core/build/build.ts';
import type { Change, WatchedTree } from '../core/build/develop.ts';
import type { GitSource, GitTree } from '../core/build/git.ts';
import type { Listener } from '../core/health/answered-ports.ts';
import type {
  Container,
  CreateRequest,
  Image,
  ImageSummary,
  ListedContainer,
  RestartPolicy,
} from '../core/model/container.ts';
import type { Bridge, EngineFacts, ExecOptions, ExecResult, PullLayer } from '../core/model/engine.ts';
import type { EngineEvent } from '../core/model/event.ts';
import type { Platform } from '../core/model/platform.ts';
import type { RemoteImage } from '../core/model/registry.ts';
import type { FolderIn, FolderSize, Volume } from '../core/model/volume.ts';
import type { Progress } from '../core/report/progress.ts';
import type { Delivery, Summary } from '../core/report/summary.ts';
import type { ComposeModel, ComposeProject } from '../core/service/compose.ts';
import type { Config, NotificationConfig } from '../core/settings/config.ts';
import type { TraceSettings } from '../core/trace/settings.ts';
import type { Closed, Diagnosis } from '../core/traffic/connections.ts';
import type { Joined, Process } from '../core/traffic/routes.ts';
import type { Call } from '../core/update/helper.ts';
import type { Kernel } from './kernel.ts';

export type { GitTree } from '../core/build/git.ts';
export type {
  Bridge,
  EngineFacts,
  ExecResult,
  PullLayer,
  RegistryReach,
  RegistryRules,
} from '../core/model/engine.ts';
export type { Login, LoginFor, RemoteImage } from '../core/model/registry.ts';
export type { ComposeProject } from '../core/service/compose.ts';
export type { CoverRequest, FindProcess, ForwardEnd, ForwardStart, Joined, Process } from '../core/traffic/routes.ts';
export type { Kernel } from './kernel.ts';

/**
 * The container engine. Containers and images are named by id or name. "Not found" is an answer (`undefined`) where a
 * question is asked, and success where something is to be removed; every other refusal of the engine is an EngineError.
 */
export interface Engine {
  /** Asked for anew now and then: a clock drifts, and an engine may come back as another one. */
  facts(): Promise<EngineFacts>;
  list(): Promise<ListedContainer[]>;
  container(id: string): Promise<Container | undefined>;
  image(reference: string): Promise<Image | undefined>;
  /** All images, also those that no tag names any more. */
  images(): Promise<ImageSummary[]>;
  imageTags(repository: string): Promise<string[]>;
  /** The engine's bridge networks: host interface and subnets of each. */
  bridges(): Promise<Bridge[]>;
  /** Names of the networks that a Swarm has given this engine. */
  swarmNetworks(): Promise<string[]>;
  /** Digest of a reference in its registry, as the engine reaches it; undefined if the engine can't ask (Podman). */
  resolve(reference: string, signal?: AbortSignal): Promise<string | undefined>;
  pull(reference: string, onLayer: (layer: PullLayer) => void, signal?: AbortSignal): Promise<void>;
  tag(image: string, reference: string): Promise<void>;
  untag(reference: string): Promise<void>;
  /** Creates a container and resolves with its id. */
  create(request: CreateRequest): Promise<string>;
  /** Starts a container. `joined` is called as soon as the engine reports its addresses, if it does so during the start. */
  start(id: string, joined?: Joined): Promise<void>;
  /** Stops with the container's own signal and timeout; resolves once it is down (with `--rm`: gone). */
  stop(id: string): Promise<void>;
  /**
   * Stops a container as `stop` does and starts it again, in one call that the engine finishes by itself, even if swapctl dies
   * meanwhile. A container with `--rm` stays.
   */
  restart(id: string): Promise<void>;
  rename(id: string, name: string): Promise<void>;
  /**
   * Removes a stopped container; volumes stay. `discard` is for a container that never counted: running or not, with
   * the anonymous volumes that were made for it. An inert one has such volumes too, wherever its image declares any.
   */
  remove(id: string, options?: { discard?: boolean }): Promise<void>;
  setRestart(id: string, policy: RestartPolicy): Promise<void>;
  exec(id: string, command: readonly string[], options: ExecOptions): Promise<ExecResult>;
  /** Sends a signal (`SIGHUP`) to the first process of a container. */
  kill(id: string, signal: string): Promise<void>;
  logs(id: string, lines: number): Promise<string[]>;
  /** Paths that were added or changed since the container was created. */
  changes(id: string): Promise<string[]>;
  /** Copies one regular file, of a config's size, from a container into another; resolves with false where there is none. */
  copy(from: string, to: string, path: string): Promise<boolean>;
  /** Unpacks a tar archive at the root of a container. */
  unpack(id: string, archive: AsyncIterable<Uint8Array>): Promise<void>;
  /** Whether a container, running or not, has something at a path. */
  hasPath(id: string, path: string): Promise<boolean>;
  /** Copies a folder (`/a/x`) with all that is in it into one of another container (`/b`: to `/b/x`); neither has to run. */
  copyFolder(from: FolderIn, into: FolderIn, signal?: AbortSignal): Promise<FolderSize>;
  folderSize(id: string, path: string, signal?: AbortSignal): Promise<FolderSize>;
  /** Waits until a container has ended; resolves with its exit code. */
  wait(id: string, signal?: AbortSignal): Promise<number>;
  /** The volumes with a label, `key=value`. */
  volumes(label: string): Promise<Volume[]>;
  volume(name: string): Promise<Volume | undefined>;
  /** Creates a volume of the local driver, unless one with these labels is there. */
  createVolume(name: string, labels: Record<string, string>): Promise<void>;
  removeVolume(name: string): Promise<void>;
  /** Bytes in each of the volumes, as far as the engine tells. It may take long. */
  volumeSizes(): Promise<Map<string, number>>;
  /**
   * Builds an image of a context (a tar archive), by BuildKit where the engine has it. It gets no name. `onLine` gets what
   * the builder says, as it comes.
   */
  build(
    context: AsyncIterable<Uint8Array>,
    order: BuildOrder,
    onLine: (line: string) => void,
    signal: AbortSignal,
  ): Promise<BuildEnd>;
  /**
   * What happens to containers, and which images get a name, from an instant (nanoseconds of the engine's clock) on. Ends when the engine closes the
   * stream, and when the signal aborts; whoever wants more asks again, and lists what there is: some may be missing between.
   */
  events(since: number, signal: AbortSignal): AsyncIterable<EngineEvent>;
  /**
   * Whether somebody stopped or killed a container that is down, as far as the engine still remembers (its last 256 events).
   * Undefined: it does not remember its end at all.
   */
  wasStopped(id: string): Promise<boolean | undefined>;
  /** The exit status of the last run of a container that ended, if the engine still remembers it (its last 256 events). */
  lastExit(id: string): Promise<number | undefined>;
  /** Whether a container that runs was told to stop since its start and has not ended yet, as far as the engine still remembers. */
  isStopping(id: string): Promise<boolean>;
  close(): void;
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
  /** The same connections one by one, with what has moved in them and when. */
  diagnose(container: Process): Promise<Diagnosis>;
  /** Makes ready to close connections of a container. */
  closer(container: Process): Promise<Closer>;
  /** Whether a container uses the network that this process itself is in; undefined if that can't be told from here. */
  sharesNetwork(container: Process): Promise<boolean | undefined>;
  /** What a container listens on by TCP; undefined where that is out of reach. */
  listening(container: Process): Promise<readonly Listener[] | undefined>;
  /** Whether an HTTP GET is answered with a status below 400, or a TCP connection is accepted. */
  reachable(address: ProbeAddress, timeoutMs: number): Promise<ProbeAnswer>;
}

/** Closes connections of one container at once. */
export interface Closer {
  /** Closes connections by their ends, as a diagnosis names them: both sides see a reset. */
  close(ends: readonly string[]): Promise<Closed>;
  end(): void;
}

/** Where a probe asks; with a path by HTTP. */
export interface ProbeAddress {
  readonly host: string;
  readonly port: number;
  readonly path?: string;
  /** The Host header, instead of the address. */
  readonly hostHeader?: string;
}

export interface ProbeAnswer {
  readonly ok: boolean;
  /** Whether the address itself answered, if only by refusing the connection. */
  readonly reached: boolean;
  /** For people; of an HTTP answer that is not good it has the first line of the body. */
  readonly output: string;
  /** The status of HTTP, where there was an answer. */
  readonly status?: number;
}

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds since some instant, of a clock that nobody sets. */
  monotonic(): number;
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
  readonly call: Call;
  /** SHA-256 of a text's UTF-8, in hex. */
  sha256(text: string): string;
  /** Random, for ids of rolls. */
  randomId(): string;
  /** Registries that there is a login for. Raises `config` where Docker's config.json can't be read. */
  logins(): Promise<string[]>;
  /** A YAML file of this machine, parsed; undefined if it can't be read. */
  readYaml(path: string): Promise<unknown>;
}

export interface Compose {
  /** The files of a project as compose reads them. Raises `config`: compose is not installed here, or what it has against them. */
  read(project: ComposeProject): Promise<ComposeModel>;
  /**
   * The services of a project as compose reads its files: merged, interpolated, with all defaults. Undefined where compose
   * is not installed or does not take the files.
   */
  services(project: ComposeProject): Promise<Readonly<Record<string, Readonly<Record<string, unknown>>>> | undefined>;
}

/** Builds images, by the best builder at hand: docker's buildx where it is installed, else the engine itself. */
export interface Builder {
  /**
   * Builds an image and resolves with it; it gets no name, so that nothing points at it before it has proven itself. `onLine` gets
   * what the builder says, as it comes. Raises `build-failed` (with the last lines of the step that failed), `refused` for what
   * the builder at hand can't do, `config` for a folder or Dockerfile that is not there, `interrupted`.
   */
  build(spec: BuildSpec, onLine: (line: string) => void, signal: AbortSignal): Promise<BuiltImage>;
  /** What a build makes of its context. Raises `config` for a folder or Dockerfile that is not there. */
  outline(spec: BuildSpec): Promise<BuildOutline>;
}

/** Repositories that services are built from, by the git that is installed here. */
export interface Git {
  /**
   * The commit that a source names now. Raises `config` where git is not installed, `source-unreachable` for what can't be
   * asked and for a branch that is not there, `interrupted`.
   */
  head(source: GitSource, signal: AbortSignal): Promise<string>;
  /** The files of a commit. Raises the same, `image-moved` where it can't be had any more, `build-failed` without its folder. */
  tree(source: GitSource, commit: string, signal: AbortSignal): Promise<GitTree>;
}

/** The files of this machine that images and containers are made of. */
export interface Sources {
  /**
   * Calls back with everything that happens in some trees until the signal aborts; resolves once it sees what happens.
   * `pollMs`: looks every so often, for mounts that tell no events. Raises `config` for a path that is not there.
   */
  watch(
    trees: readonly WatchedTree[],
    options: { readonly pollMs: number | undefined; readonly signal: AbortSignal },
    onChange: (change: Change) => void,
  ): Promise<void>;
  /** The files of a tree that count, by absolute path. */
  list(tree: WatchedTree): Promise<string[]>;
  /** A tar archive of files, each under its path in the container; what is gone by now is left out. */
  pack(files: readonly { readonly path: string; readonly target: string }[]): AsyncIterable<Uint8Array>;
}

/** Tells all notifiers at the same time; resolves with what came of each, in their order, after some ten seconds at most. Never rejects. */
export type Notify = (
  summary: Summary,
  notifiers: readonly NotificationConfig[],
  signal: AbortSignal,
) => Promise<Delivery[]>;

/** Sends a POST with a JSON document to a URL. Raises an error for people if it is not answered with success in time. */
export type Post = (
  url: string,
  document: unknown,
  timeoutMs: number,
  headers?: Readonly<Record<string, string>>,
) => Promise<void>;

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
  readonly builder: Builder;
  readonly git: Git;
  readonly sources: Sources;
  readonly schedules: Schedules;
  readonly notify: Notify;
  readonly post: Post;
  /** The receiver of traces; undefined: there is none. */
  readonly traces?: TraceSettings | undefined;
  readonly report: Report;
}
