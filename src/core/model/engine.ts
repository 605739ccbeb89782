import type { EngineRoute } from '../service/engine-route.ts';
import type { RegistryConfig } from '../settings/config.ts';

/** Capabilities and properties of an engine, as `doctor` and the planner need them. */
export interface EngineFacts {
  /** The name of its machine. */
  readonly name: string;
  /** Distinguishes the engine from every other one on its host. */
  readonly id: string;
  /** The endpoint of the engine, for people: `unix:///var/run/docker.sock (default)`. */
  readonly endpoint: string;
  readonly route: EngineRoute;
  /** True: the engine runs on this machine, so its processes and networks are within reach. */
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

/** How an engine is configured to reach registries. */
export interface RegistryRules {
  /** Mirrors of Docker Hub, as URLs. */
  readonly mirrors: readonly string[];
  /** Registries (`host:port`) and networks (CIDR) that may be used without verified TLS. */
  readonly insecure: readonly string[];
}

/** How to reach registries: as the engine does, plus the settings of swapctl.yml for single registries. */
export interface RegistryReach extends RegistryRules {
  /** By host, with its port if there is one. */
  readonly hosts?: Readonly<Record<string, RegistryConfig>>;
}

/** How a command runs in a container, if not as the container itself runs. */
export interface ExecOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  readonly user?: string | undefined;
  readonly privileged?: boolean | undefined;
  readonly workingDir?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** The maximum number of characters of output to keep. Default: 4096. */
  readonly mostOutput?: number | undefined;
}

/** The result of a command run inside a container. */
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
