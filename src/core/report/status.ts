import type { ContainerStatus } from '../model/container.ts';
import type { ProxyReport } from '../proxy/report.ts';
import type { FailureNote, HistoryEntry, VolumeCopy } from '../service/labels.ts';
import type { Explained } from '../settings/read.ts';
import type { ReportedError } from './reported-error.ts';

/** What a slot is doing, derived from names, labels and the engine's view; it is written down nowhere. */
export type Phase = 'serving' | 'stopped' | 'starting' | 'unhealthy' | 'restarting' | 'rolling' | 'interrupted';

/** One line of `swapctl status`: one replica. Times are ISO 8601. */
export interface ReplicaStatus {
  readonly service: string;
  readonly container: string;
  readonly id: string;
  readonly image: string;
  readonly digest: string;
  readonly startedAt: string | undefined;
  readonly ageMs: number;
  readonly health: string;
  readonly phase: Phase;
  /** The way that a roll would take, or why it can't be rolled. */
  readonly strategy: string;
  /** The proxy in front that a roll tells, as its user writes it. */
  readonly proxy?: string;
  readonly lastRoll: string | undefined;
  readonly lastRollAgeMs: number | undefined;
  readonly failedImages: number;
}

/** What `swapctl plan` shows of one replica. */
export interface SlotPlan {
  readonly slot: string;
  readonly strategy: string;
  readonly rehearsal: boolean;
  readonly because: string;
  /** The proxy in front that the roll tells. */
  readonly proxy?: ProxyReport;
  /** `unchanged`: it already runs the image; `fetch`: only pulling it can tell; `roll`: it would be rolled. */
  readonly verdict: 'unchanged' | 'fetch' | 'roll' | 'refused';
  readonly steps: readonly string[];
  /** What the roll would go without, since nft fails. */
  readonly notes?: readonly string[];
  readonly error?: ReportedError;
}

/** What `swapctl plan` shows of a service. */
export interface ServicePlan {
  readonly service: string;
  readonly image: string;
  readonly digest?: string | undefined;
  /** The image comes from this engine and not from a registry: it is there already, or is to be built. */
  readonly local?: true;
  readonly slots: readonly SlotPlan[];
  /** What follows once all replicas are rolled. */
  readonly after?: readonly string[];
  /** What compose does for the service beside creating containers, and swapctl does not, or cannot know of. */
  readonly notDone?: readonly string[];
  /** What the roll does to other compose services of the same tag. */
  readonly sameTag?: readonly string[];
  /** Only where it was asked for. */
  readonly explained?: ServiceExplained;
}

/** What `swapctl plan --explain` adds: every setting and where it comes from, and what follows for rolls by itself. */
export interface ServiceExplained {
  readonly settings: readonly Explained[];
  /** The services that are rolled before it, by their keys. */
  readonly dependsOn: readonly string[];
  /** Whether its time has come, and if not, from when on (ISO 8601; undefined: not by waiting) and why not. */
  readonly mayRoll:
    | { readonly now: true }
    | { readonly now: false; readonly until: string | undefined; readonly because: string };
  /** When it would be checked next if it was checked now, without jitter. ISO 8601. */
  readonly nextCheck: string | undefined;
}

/** What `swapctl history` shows: the images of a service, newest first, and those that failed. */
export interface ServiceHistory {
  readonly service: string;
  readonly entries: readonly (HistoryEntry & { readonly available: boolean } & Currency)[];
  /** Copies of its volumes, the newest of each replica first. */
  readonly backups: readonly KeptBackup[];
  readonly failures: readonly ({
    readonly at: string;
    readonly image: string;
    readonly digest: string | undefined;
    /** The volume that remembers it; without that volume the image is tried again. */
    readonly volume?: string;
    /** The same of a Swarm service: a config object. */
    readonly config?: string;
  } & FailureNote)[];
}

/** Whether a container has the image now, and what that does; `created` if it was never started. */
type Currency = { readonly current: true; readonly status: ContainerStatus } | { readonly current: false };

/** Copies of a replica's volumes from before a change. */
export interface KeptBackup {
  readonly at: string;
  readonly slot: string;
  /** Id of the image that had written what was copied. */
  readonly image: string;
  readonly volumes: readonly VolumeCopy[];
}

/** What `swapctl recover` did about one thing that a dead roll left behind. */
export interface RecoveredItem {
  readonly service: string;
  readonly slot: string;
  readonly found: string;
  readonly outcome: 'finished' | 'undone' | 'removed' | 'busy' | 'failed';
  readonly error?: ReportedError;
}

/** One line of `swapctl doctor`. */
export interface Finding {
  readonly check: string;
  readonly state: 'ok' | 'limited' | 'problem';
  readonly found: string;
  /** What to do about it. */
  readonly advice?: string;
}
