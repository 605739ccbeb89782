import type { SwarmConfig, SwarmNode, SwarmService, SwarmTask } from '../core/swarm/model.ts';

/** A config object to create. */
export type NewConfig = Pick<SwarmConfig, 'name' | 'labels' | 'data'>;

/** The login that nodes pull with: this machine's for the registry (the default), or the one of the spec before the present one. */
export type PullLogin = 'own' | 'former';

/**
 * A Swarm through one of its managers. Raises EngineError: with status 503 if the engine is no manager, and with status 409 for a
 * name that is taken, and for a change of an object that another process changed meanwhile.
 */
export interface Swarm {
  services(): Promise<SwarmService[]>;
  /** By id or name. */
  service(id: string): Promise<SwarmService | undefined>;
  /** The tasks of a service (its id), or of all, including ended ones that Swarm still keeps. */
  tasks(service?: string): Promise<SwarmTask[]>;
  nodes(): Promise<SwarmNode[]>;
  /** Updates a service to an image; all else stays as it is. `restart`: even if the image is the same. */
  setImage(
    service: Pick<SwarmService, 'id' | 'version'>,
    image: string,
    restart: boolean,
    login?: PullLogin,
  ): Promise<void>;
  /** The last lines that a task wrote, on any node; none if its log driver can't be read. */
  logs(task: string, lines: number): Promise<string[]>;
  /** The config objects that have a label, `key=value`. */
  configs(label: string): Promise<SwarmConfig[]>;
  /** Resolves with its id. */
  createConfig(config: NewConfig): Promise<string>;
  /** Replaces the labels. */
  labelConfig(config: Pick<SwarmConfig, 'id' | 'version'>, labels: SwarmConfig['labels']): Promise<void>;
  removeConfig(id: string): Promise<void>;
}
