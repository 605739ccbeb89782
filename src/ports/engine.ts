import type { BuildEnd, BuildOrder } from '../core/build/build.ts';
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
import type { FolderIn, FolderSize, Volume } from '../core/model/volume.ts';
import type { Joined } from '../core/traffic/routes.ts';

/**
 * The container engine. Ids or names identify containers and images. "Not found" is an answer (`undefined`) to a question, and
 * success for a removal; every other refusal of the engine is an EngineError.
 */
export interface Engine {
  /** Refreshed now and then: a clock drifts, and another engine may come back. */
  facts(): Promise<EngineFacts>;
  list(): Promise<ListedContainer[]>;
  container(id: string): Promise<Container | undefined>;
  image(reference: string): Promise<Image | undefined>;
  /** All images, including untagged ones. */
  images(): Promise<ImageSummary[]>;
  imageTags(repository: string): Promise<string[]>;
  /** The engine's bridge networks: host interface and subnets of each. */
  bridges(): Promise<Bridge[]>;
  /** Names of the networks that a Swarm has given this engine. */
  swarmNetworks(): Promise<string[]>;
  /** Digest of a reference in its registry, as the engine sees it; undefined if the engine can't ask (Podman). */
  resolve(reference: string, signal?: AbortSignal): Promise<string | undefined>;
  pull(reference: string, onLayer: (layer: PullLayer) => void, signal?: AbortSignal): Promise<void>;
  tag(image: string, reference: string): Promise<void>;
  untag(reference: string): Promise<void>;
  /** Creates a container and resolves with its id. */
  create(request: CreateRequest): Promise<string>;
  /** Starts a container. `joined` is called as soon as the engine reports its addresses, if it does so during the start. */
  start(id: string, joined?: Joined): Promise<void>;
  /** Stops with the container's own signal and timeout; resolves once it has stopped (with `--rm`: is gone). */
  stop(id: string): Promise<void>;
  /**
   * Stops a container as `stop` does and starts it again, in one call that the engine completes even if swapctl dies meanwhile. A
   * container with `--rm` stays.
   */
  restart(id: string): Promise<void>;
  rename(id: string, name: string): Promise<void>;
  /**
   * Removes a stopped container; volumes stay. `discard` is for a container that never counted: running or not, with the
   * anonymous volumes made for it. An inert container has such volumes too, if its image declares any.
   */
  remove(id: string, options?: { discard?: boolean }): Promise<void>;
  setRestart(id: string, policy: RestartPolicy): Promise<void>;
  exec(id: string, command: readonly string[], options: ExecOptions): Promise<ExecResult>;
  /** Sends a signal (`SIGHUP`) to the first process of a container. */
  kill(id: string, signal: string): Promise<void>;
  logs(id: string, lines: number): Promise<string[]>;
  /** Paths that were added or changed since the container was created. */
  changes(id: string): Promise<string[]>;
  /** Copies one regular file, of at most a config's size, from a container into another; resolves with false if there is none. */
  copy(from: string, to: string, path: string): Promise<boolean>;
  /** Unpacks a tar archive at the root of a container. */
  unpack(id: string, archive: AsyncIterable<Uint8Array>): Promise<void>;
  /** True: a container, running or not, has a file or folder at the path. */
  hasPath(id: string, path: string): Promise<boolean>;
  /** Copies a folder (`/a/x`) with its contents into a folder of another container (`/b`: to `/b/x`); neither has to run. */
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
  /** Bytes in each of the volumes that the engine can measure. It may take long. */
  volumeSizes(): Promise<Map<string, number>>;
  /**
   * Builds an image without a name from a context (a tar archive), with BuildKit if the engine has it. `onLine` gets the
   * builder's output as it comes.
   */
  build(
    context: AsyncIterable<Uint8Array>,
    order: BuildOrder,
    onLine: (line: string) => void,
    signal: AbortSignal,
  ): Promise<BuildEnd>;
  /**
   * Events of containers and local image events from an instant (nanoseconds of the engine's clock) on. Ends when the engine
   * closes the stream, and when the signal aborts; a caller that asks again must also list the objects: some events may be
   * missing in between.
   */
  events(since: number, signal: AbortSignal): AsyncIterable<EngineEvent>;
  /**
   * True: a client stopped or killed the container that is now down, as far as the engine's last 256 events show. Undefined: its
   * end is not among them.
   */
  wasStopped(id: string): Promise<boolean | undefined>;
  /** The exit status of the last ended run of a container, if it is among the engine's last 256 events. */
  lastExit(id: string): Promise<number | undefined>;
  /** True: the running container got a stop since its start and has not ended yet, as far as the engine's events show. */
  isStopping(id: string): Promise<boolean>;
  close(): void;
}
