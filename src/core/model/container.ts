import type { Labels, OwnLabels } from './own-labels.ts';

/**
 * A container and an image as the engine shows them. `config`, `host` and the endpoints keep the field names of the
 * Docker Engine API (https://docs.docker.com/reference/api/engine/), because re-creating a container means handing
 * them back; only what swapctl reasons about is typed, the rest passes through untouched.
 */

export interface HealthConfig {
  Test?: string[];
  /** All durations are nanoseconds; 0 or absent means inherited or the engine's default. */
  Interval?: number;
  Timeout?: number;
  StartPeriod?: number;
  StartInterval?: number;
  Retries?: number;
}

/** The API's ContainerConfig; an image's config has the same shape. */
export interface ContainerConfig {
  Hostname?: string;
  User?: string;
  Env?: string[] | null;
  Cmd?: string[] | null;
  Entrypoint?: string[] | null;
  ExposedPorts?: Record<string, object> | null;
  Volumes?: Record<string, object> | null;
  Healthcheck?: HealthConfig | null;
  Image?: string;
  Labels?: Record<string, string> | null;
  MacAddress?: string;
  Shell?: string[] | null;
  StopSignal?: string;
  StopTimeout?: number | null;
  WorkingDir?: string;
  [field: string]: unknown;
}

export interface PortBinding {
  HostIp?: string;
  HostPort?: string;
}

export interface MountRequest {
  Type: string;
  Source?: string;
  Target: string;
  ReadOnly?: boolean;
  [field: string]: unknown;
}

export interface RestartPolicy {
  Name: string;
  MaximumRetryCount?: number;
}

/** The API's HostConfig. */
export interface HostConfig {
  AutoRemove?: boolean;
  Binds?: string[] | null;
  DeviceCgroupRules?: string[] | null;
  DeviceRequests?: { Count?: number; DeviceIDs?: string[] | null; [field: string]: unknown }[] | null;
  Devices?: { PathOnHost?: string; [field: string]: unknown }[] | null;
  IpcMode?: string;
  Links?: string[] | null;
  Mounts?: MountRequest[] | null;
  NetworkMode?: string;
  PidMode?: string;
  PortBindings?: Record<string, PortBinding[] | null> | null;
  Privileged?: boolean;
  PublishAllPorts?: boolean;
  RestartPolicy?: RestartPolicy;
  UTSMode?: string;
  VolumesFrom?: string[] | null;
  [field: string]: unknown;
}

/** The API's EndpointSettings: what was asked for and the run state, mixed (moby#48168). */
export interface Endpoint {
  IPAMConfig?: { IPv4Address?: string; IPv6Address?: string; LinkLocalIPs?: string[] } | null;
  Links?: string[] | null;
  Aliases?: string[] | null;
  MacAddress?: string;
  DriverOpts?: Record<string, string> | null;
  GwPriority?: number;
  IPAddress?: string;
  GlobalIPv6Address?: string;
  NetworkID?: string;
  [field: string]: unknown;
}

/** A mount in effect, wherever it was declared. */
export interface Mount {
  readonly type: string;
  /** Volume name; empty for bind mounts and tmpfs. */
  readonly name: string;
  readonly source: string;
  readonly target: string;
  readonly writable: boolean;
  /** Of a volume. */
  readonly driver: string;
}

/** A container port (`8080/tcp`) on a host address; `0.0.0.0` and `::` mean all of the family. */
export interface PublishedPort {
  readonly containerPort: string;
  readonly hostIp: string;
  readonly hostPort: number;
}

export type ContainerStatus = 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';

export interface EngineHealth {
  readonly status: 'none' | 'starting' | 'healthy' | 'unhealthy';
  /** The last results, oldest first. */
  readonly log: readonly { readonly exitCode: number; readonly output: string }[];
}

/** One container, decoded from `GET /containers/{id}/json`. Times are milliseconds of the engine's clock. */
export interface Container {
  readonly id: string;
  readonly name: string;
  /** The engine's id of the image it was created from; what it is a digest of depends on the image store (T34). */
  readonly imageId: string;
  /** Digest of the platform's manifest; only known on engines with the containerd image store. */
  readonly manifestDigest: string | undefined;
  readonly createdAt: number;
  readonly status: ContainerStatus;
  readonly pid: number;
  readonly exitCode: number;
  readonly error: string;
  readonly oomKilled: boolean;
  readonly startedAt: number;
  /** When its last run ended; undefined in its first run, and before it. */
  readonly finishedAt?: number | undefined;
  readonly restartCount: number;
  readonly health: EngineHealth | undefined;
  readonly config: ContainerConfig;
  readonly host: HostConfig;
  /** By network name; the aliases are those that were asked for, without what the engine adds (T7). */
  readonly networks: Readonly<Record<string, Endpoint>>;
  readonly mounts: readonly Mount[];
  /** Host ports as they are in effect. */
  readonly published: readonly PublishedPort[];
  /** The MAC addresses that the user asked for, by network, if the engine shows them (T8). */
  readonly configuredMacs: Readonly<Record<string, string>>;
}

/** One image of the engine, decoded from `GET /images/{name}/json`. */
export interface Image {
  readonly id: string;
  readonly tags: readonly string[];
  /** `repository@digest` entries: a set without order, several per image are normal (T35). */
  readonly digests: readonly string[];
  /** Digest of the manifest for this engine's platform; undefined with the classic image store. */
  readonly manifestDigest: string | undefined;
  readonly config: ContainerConfig;
  readonly os: string;
  readonly architecture: string;
  /** The variant of the architecture (`v7`); undefined if it has none. */
  readonly variant?: string | undefined;
  readonly createdAt: number | undefined;
}

/** An image in the engine's list of all images, without an inspect. */
export interface ImageSummary {
  readonly id: string;
  readonly tags: readonly string[];
  readonly digests: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** When it was built, in milliseconds since the epoch; undefined if the image does not say. */
  readonly createdAt: number | undefined;
}

/** One container of the engine's list, with labels from any source. */
export interface ListedContainer extends Omit<ContainerSummary, 'labels'> {
  readonly labels: Labels;
}

/** A container in the engine's list of all containers, without an inspect. */
export interface ContainerSummary {
  readonly id: string;
  readonly name: string;
  readonly status: ContainerStatus;
  /** The status in the words of Docker, with the health and how long it has lasted; undefined of Podman. */
  readonly statusText?: string | undefined;
  readonly image: string;
  readonly imageId: string;
  /** Its own, not its image's. */
  readonly labels: OwnLabels;
  /** In its networks, while it runs. */
  readonly addresses: readonly string[];
  /** Id (or name) of the container whose network namespace it lives in. */
  readonly networkOf: string | undefined;
  /** Names of its networks. */
  readonly networks: readonly string[];
  /** True: the engine's socket is mounted into it. */
  readonly readsEngine: boolean;
  /** The pod that it is in; only Podman has pods. */
  readonly pod?: Pod | undefined;
}

/** A container's pod; Podman's infra container holds its namespaces. */
export interface Pod {
  readonly name: string;
  readonly infra: boolean;
}

/** The body of the API's create call. */
export interface CreateRequest {
  readonly name: string;
  readonly config: ContainerConfig;
  readonly host: HostConfig;
  readonly networks: Readonly<Record<string, Endpoint>>;
}

/** The container (id or name) that a mode of the API shares a namespace with: `container:…`; undefined for any other mode. */
export function namespaceOwner(mode: string | null | undefined): string | undefined {
  return mode?.startsWith(SHARED) ? mode.slice(SHARED.length) : undefined;
}

const SHARED = 'container:';

/** The address at which the host reaches a container in its networks, preferably IPv4; undefined if it has none. */
export function addressIn(networks: Container['networks']): string | undefined {
  const endpoints = Object.values(networks);
  const addresses = [
    ...endpoints.map(({ IPAddress }) => IPAddress),
    ...endpoints.map(({ GlobalIPv6Address }) => GlobalIPv6Address),
  ];
  return addresses.find((address) => address !== undefined && address !== '');
}
