import type { EngineRoute } from '../service/engine-route.ts';
import type { RegistryConfig } from '../settings/config.ts';

/** What an engine can do and is, as `doctor` and the planner need it. */
export interface EngineFacts {
  /** The name of its machine. */
  readonly name: string;
  /** Tells it from every other engine on its host. */
  readonly id: string;
  /** Where it was reached, for people: `unix:///var/run/docker.sock (default)`. */
  readonly endpoint: string;
  readonly route: EngineRoute;
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
  /** Its part in a Docker Swarm. */
  readonly swarm: 'manager' | 'worker' | 'none';
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

/** How a command is run in a container, where not as the container itself runs. */
export interface ExecOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  readonly user?: string | undefined;
  readonly privileged?: boolean | undefined;
  readonly workingDir?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** The most characters of output that are kept. Default: 4096. */
  readonly mostOutput?: number | undefined;
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
