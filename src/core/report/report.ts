import type { ProxyReport } from '../proxy/report.ts';
import type { VolumeCopy } from '../service/labels.ts';
import type { RollPhase } from './phase.ts';
import type { ReportedError } from './reported-error.ts';

/** One side of a swap. */
export interface Side {
  readonly container: string;
  readonly image: string;
  readonly digest: string;
}

/** How long each part took, in milliseconds; parts that did not happen are absent. */
export interface Timings {
  pull?: number;
  start?: number;
  healthy?: number;
  /** Copying volumes before the change, and putting copies back. */
  backup?: number;
  restore?: number;
  switch?: number;
  drain?: number;
  stop?: number;
  total: number;
}

export type Outcome = 'rolled' | 'unchanged' | 'rolled-back' | 'failed';

/** What became of one replica. */
export interface ReplicaReport {
  readonly slot: string;
  readonly outcome: Outcome;
  readonly strategy?: string;
  readonly because?: string;
  /** The proxy in front that was told. */
  readonly proxy?: ProxyReport;
  readonly from?: Side;
  readonly to?: Side;
  readonly timings: Timings;
  /** What the drains of old containers left open; absent where connections could not be counted. */
  readonly connections?: DrainedConnections;
  /** For how long at the most the slot, or a container in its namespaces, did not answer, in milliseconds. */
  readonly gap?: number;
  readonly backup?: ReportedBackup;
  /** Clients that connected to the address of a stopped container until the redirect ended. */
  readonly staleClients?: readonly StaleClient[];
  /** What a person is to know of it: what the roll went without, and which containers it leaves as they are. */
  readonly notes?: readonly string[];
  readonly error?: ReportedError;
  /** The hooks that were run, and why those failed that did. */
  readonly hooks?: readonly ReportedHook[];
  /** What a person has to do, although the roll itself is done. */
  readonly attention?: readonly ReportedError[];
  /** The steps in order, including those that failed or undid something. */
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

/** A container that compose restarts after the service was replaced (`depends_on` with `restart: true`), and why it is not well. */
export interface Restarted {
  readonly container: string;
  /** How long it took until it was well again, in milliseconds. */
  readonly ms?: number;
  readonly error?: string;
}

/** A client that has resolved the name of a service once, and keeps the address of a container that is gone. */
export interface StaleClient {
  /** Name of the container; its address where no container has that. */
  readonly client: string;
  /** The network in which it used the address; undefined where that is not known. */
  readonly network?: string;
  /** The address that it used. */
  readonly address: string;
}

/** The connections of a container at the end of its drain. */
export interface DrainedConnections {
  /** Open and between two requests; absent where idle connections can't be told from busy ones, or count as busy. */
  readonly idle?: number;
  /** How many idle ones swapctl closed before the stop; absent unless `swapctl.drain.close` is set. */
  readonly closed?: number;
  /** How many the drain waited for. */
  readonly busy: number;
  /** How many of the busy ones were still open when the drain time was over. */
  readonly cut: number;
}

/** What was copied before the change, and whether copies were put back. */
export interface ReportedBackup {
  /** `copy` is the volume that holds it, `bytes` what the files in it hold. */
  readonly volumes: readonly VolumeCopy[];
  readonly restored: boolean;
}

/** What became of one service: the document that every front shows (a contract: scripts rely on it). */
export interface ServiceReport extends Omit<ReplicaReport, 'slot'> {
  readonly service: string;
  /** The container that rolled it, and told people of it, where that was not this process. */
  readonly by?: string;
  /** What was restarted since it depends on the service. */
  readonly restarted?: readonly Restarted[];
  /** What compose does for the service beside creating containers, and swapctl did not. */
  readonly notDone?: readonly string[];
  /** Compose containers that do not run the image that their tag means after the roll, and what compose would do with them. */
  readonly sameTag?: readonly string[];
  /** One entry a replica, where there is more than one. */
  readonly replicas?: readonly ReplicaReport[];
}

/** Everything in a report that somebody has to see to. */
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

// Of whichever replica: people have to see it.
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
