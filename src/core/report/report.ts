import type { ProxyReport } from '../proxy/report.ts';
import type { VolumeCopy } from '../service/labels.ts';
import type { RollPhase } from './phase.ts';
import type { ReportedError } from './reported-error.ts';

/** The image and container before or after a roll. */
export interface Side {
  readonly container: string;
  readonly image: string;
  readonly digest: string;
}

/** The duration of each part, in milliseconds; absent: the part did not happen. */
export interface Timings {
  pull?: number;
  start?: number;
  healthy?: number;
  /** Backup and restore of volumes. */
  backup?: number;
  restore?: number;
  switch?: number;
  drain?: number;
  stop?: number;
  total: number;
}

export type Outcome = 'rolled' | 'unchanged' | 'rolled-back' | 'failed';

/** The result of one replica. */
export interface ReplicaReport {
  readonly slot: string;
  readonly outcome: Outcome;
  readonly strategy?: string;
  readonly because?: string;
  /** The proxy in front that swapctl drove. */
  readonly proxy?: ProxyReport;
  readonly from?: Side;
  readonly to?: Side;
  readonly timings: Timings;
  /** The connections that the drains left open; absent if connections could not be counted. */
  readonly connections?: DrainedConnections;
  /** The longest time that the slot, or a container in its namespaces, did not answer, in milliseconds. */
  readonly gap?: number;
  readonly backup?: ReportedBackup;
  /** Clients that connected to the address of a stopped container until the redirect ended. */
  readonly staleClients?: readonly StaleClient[];
  /** Notes for the user: the protections that the roll lacked, and the containers that it leaves alone. */
  readonly notes?: readonly string[];
  readonly error?: ReportedError;
  /** The hooks that ran, with the errors of failed ones. */
  readonly hooks?: readonly ReportedHook[];
  /** Work for the user, although the roll itself is done. */
  readonly attention?: readonly ReportedError[];
  /** The steps in order, including failed and undoing ones. */
  readonly steps?: readonly ReportedStep[];
}

/** One step of a roll; `error`: why it failed. swapctl then tried it again or undid the roll. */
export interface ReportedStep {
  readonly step: string;
  readonly phase?: RollPhase;
  readonly ms: number;
  readonly error?: string;
}

export interface ReportedHook {
  readonly hook: string;
  readonly error?: string;
}

/**
 * A container that compose restarts after the service was replaced (`depends_on` with `restart: true`), and why it is unhealthy,
 * if it is.
 */
export interface Restarted {
  readonly container: string;
  /** The time until it was healthy again, in milliseconds. */
  readonly ms?: number;
  readonly error?: string;
}

/** A client that resolved the name of a service once, and keeps the address of a removed container. */
export interface StaleClient {
  /** Name of the container; its address if no container has that. */
  readonly client: string;
  /** The network in which it used the address; undefined if unknown. */
  readonly network?: string;
  readonly address: string;
}

/** The connections of a container at the end of its drain. */
export interface DrainedConnections {
  /** Open, between two requests; absent if idle connections can't be told from busy ones, or count as busy. */
  readonly idle?: number;
  /** The number of idle ones that swapctl closed before the stop; absent unless `swapctl.drain.close` is set. */
  readonly closed?: number;
  /** The number that the drain waited for. */
  readonly busy: number;
  /** The number of busy ones still open after the drain time. */
  readonly cut: number;
}

/** The backup before the change, and its restore, if there was one. */
export interface ReportedBackup {
  /** `copy` is the volume that holds the backup, `bytes` the size of its files. */
  readonly volumes: readonly VolumeCopy[];
  readonly restored: boolean;
}

/** The report of one service: the document of every front (a contract: scripts rely on it). */
export interface ServiceReport extends Omit<ReplicaReport, 'slot'> {
  readonly service: string;
  /** The container that rolled it and sent the notifications, if it was not this process. */
  readonly by?: string;
  /** The services restarted because they depend on this one. */
  readonly restarted?: readonly Restarted[];
  /** Actions of compose for the service, beside creating containers, that swapctl did not do. */
  readonly notDone?: readonly string[];
  /** Compose containers that do not run the image of their tag after the roll, and what compose would do with them. */
  readonly sameTag?: readonly string[];
  /** One entry for each replica, if there are several. */
  readonly replicas?: readonly ReplicaReport[];
}

/** Everything in a report that needs a user's attention. */
export function concernsOf({ error, attention = [] }: Pick<ReplicaReport, 'error' | 'attention'>): ReportedError[] {
  return [...(error ? [error] : []), ...attention];
}

/** Sums up the replicas of a service: the first failure decides, then anything that was rolled. */
export function summarize(
  service: string,
  replicas: readonly ReplicaReport[],
  pullMs: number | undefined,
  totalMs: number,
): ServiceReport {
  const told = replicas.find((one) => one.error) ?? replicas.find((one) => one.outcome === 'rolled') ?? replicas[0];
  const timings: Timings = { ...sum(replicas), ...(pullMs === undefined ? {} : { pull: pullMs }), total: totalMs };
  const { slot: _, attention: __, staleClients: ___, ...rest } = told ?? { slot: '', outcome: 'unchanged' as const };
  return { service, ...rest, ...ofAll(replicas), timings, ...(replicas.length > 1 ? { replicas } : {}) };
}

// Of any replica: users have to see it.
function ofAll(replicas: readonly ReplicaReport[]): Pick<ReplicaReport, 'attention' | 'staleClients'> {
  const attention = replicas.flatMap((one) => one.attention ?? []);
  const staleClients = replicas.flatMap((one) => one.staleClients ?? []);
  return { ...(staleClients.length > 0 ? { staleClients } : {}), ...(attention.length > 0 ? { attention } : {}) };
}

function sum(replicas: readonly ReplicaReport[]): Partial<Timings> {
  const total: Record<string, number> = {};
  for (const { timings } of replicas) {
    for (const [part, ms] of Object.entries(timings)) total[part] = (total[part] ?? 0) + ms;
  }
  return total;
}
