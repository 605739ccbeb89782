import type { HealthConfig } from '../model/container.ts';
import type { OwnLabels } from '../model/own-labels.ts';

/** Swarm's state of the last update of a service; absent before the first one, and right after each update call. */
export type UpdateState =
  | 'updating'
  | 'paused'
  | 'completed'
  | 'rollback_started'
  | 'rollback_paused'
  | 'rollback_completed';

export interface UpdateStatus {
  readonly state: UpdateState;
  /** Milliseconds of the manager's clock. */
  readonly startedAt: number | undefined;
  readonly message: string;
}

/** How Swarm replaces the tasks of a service: its `update_config`, with Swarm's defaults. */
export interface UpdateConfig {
  readonly order: 'start-first' | 'stop-first';
  /** 0: all at once. */
  readonly parallelism: number;
  readonly delayMs: number;
  readonly monitorMs: number;
  readonly failureAction: 'pause' | 'continue' | 'rollback';
  readonly maxFailureRatio: number;
}

/** The facts of a Swarm service that swapctl needs. */
export interface SwarmService {
  readonly id: string;
  readonly name: string;
  /** The index that an update call must name. */
  readonly version: number;
  /** The labels of the service; all are its user's, since no image adds any. */
  readonly labels: OwnLabels;
  /** As in its spec: `repo:tag@sha256:…`, or without the digest. */
  readonly image: string;
  /** The image of the spec before the last update. */
  readonly previousImage: string | undefined;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly mode: 'replicated' | 'global' | 'job';
  /** The number of tasks that the spec of a replicated service asks for. */
  readonly replicas: number | undefined;
  readonly updateConfig: UpdateConfig;
  readonly update: UpdateStatus | undefined;
  /** The HEALTHCHECK of the spec, which overrides the image's. */
  readonly health: HealthConfig | undefined;
  readonly stopGraceMs: number;
  /** Ports that each task publishes on its node. */
  readonly hostPorts: readonly number[];
}

/** The states of a task in their order. */
export const TASK_STATES = [
  'new',
  'allocated',
  'pending',
  'assigned',
  'accepted',
  'preparing',
  'ready',
  'starting',
  'running',
  'complete',
  'shutdown',
  'failed',
  'rejected',
  'remove',
  'orphaned',
] as const;

export type TaskState = (typeof TASK_STATES)[number];

export interface SwarmTask {
  readonly id: string;
  readonly service: string;
  /** 0 in global mode. */
  readonly slot: number;
  readonly node: string | undefined;
  readonly image: string;
  readonly state: TaskState;
  readonly desired: TaskState;
  /** The time of the change to this state. */
  readonly at: number;
  readonly createdAt: number;
  /** The error in Swarm's words; empty if there is none. */
  readonly error: string;
  readonly exitCode: number | undefined;
  readonly container: string | undefined;
}

export interface SwarmNode {
  readonly id: string;
  readonly name: string;
  readonly ready: boolean;
  readonly availability: 'active' | 'pause' | 'drain';
}

/** A config object of the Swarm: swapctl stores its records in these. The data is fixed at creation, the labels are not. */
export interface SwarmConfig {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly createdAt: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly data: string;
}
