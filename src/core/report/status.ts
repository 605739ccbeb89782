import type { ContainerStatus } from '../model/container.ts';
import type { ProxyReport } from '../proxy/report.ts';
import type { FailureNote, HistoryEntry, VolumeCopy } from '../service/labels.ts';
import type { Explained } from '../settings/read.ts';
import type { ReportedError } from './reported-error.ts';

/** The state of a slot, derived from names, labels and the engine's view; it is stored nowhere. */
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
  /** The strategy of a roll, or why there can be none. */
  readonly strategy: string;
  /** The proxy in front that a roll drives, as the user writes it. */
  readonly proxy?: string;
  readonly lastRoll: string | undefined;
  readonly lastRollAgeMs: number | undefined;
  readonly failedImages: number;
}

/** The plan of one replica, as `swapctl plan` shows it. */
export interface SlotPlan {
  readonly slot: string;
  readonly strategy: string;
  readonly rehearsal: boolean;
  readonly because: string;
  /** The proxy in front that the roll drives. */
  readonly proxy?: ProxyReport;
  /** `unchanged`: it already runs the image; `fetch`: only a pull can show it; `roll`: it would be rolled. */
  readonly verdict: 'unchanged' | 'fetch' | 'roll' | 'refused';
  readonly steps: readonly string[];
  /** The protections that the roll would lack, since nft fails. */
  readonly notes?: readonly string[];
  readonly error?: ReportedError;
}

/** The plan of a service, as `swapctl plan` shows it. */
export interface ServicePlan {
  readonly service: string;
  readonly image: string;
  readonly digest?: string | undefined;
  /** True: the image is already on this engine, or built here, and not from a registry. */
  readonly local?: true;
  readonly slots: readonly SlotPlan[];
  /** The steps before the first replica is rolled. */
  readonly before?: readonly string[];
  /** The steps after all replicas are rolled. */
  readonly after?: readonly string[];
  /** Actions of compose for the service, beside creating containers, that swapctl does not do or cannot know. */
  readonly notDone?: readonly string[];
  /** The effects of the roll on other compose services of the same tag. */
  readonly sameTag?: readonly string[];
  /** Only if it was requested. */
  readonly explained?: ServiceExplained;
}

/** The part of `swapctl plan --explain`: every setting with its source, and its effect on unattended rolls. */
export interface ServiceExplained {
  readonly settings: readonly Explained[];
  /** The keys of the services that are rolled before it. */
  readonly dependsOn: readonly string[];
  /** If the service may be rolled now; otherwise why not, and from when on (ISO 8601; undefined: waiting does not help). */
  readonly mayRoll:
    | { readonly now: true }
    | { readonly now: false; readonly until: string | undefined; readonly because: string };
  /** The next scheduled check after a check now, without jitter. ISO 8601. */
  readonly nextCheck: string | undefined;
}

/** The result of `swapctl history`: the images of a service, newest first, and the failed ones. */
export interface ServiceHistory {
  readonly service: string;
  readonly entries: readonly (HistoryEntry & { readonly available: boolean } & Currency)[];
  /** Backups of its volumes, the newest of each replica first. */
  readonly backups: readonly KeptBackup[];
  readonly failures: readonly ({
    readonly at: string;
    readonly image: string;
    readonly digest: string | undefined;
    /** The volume that records it; without that volume the image is tried again. */
    readonly volume?: string;
    /** The same of a Swarm service: a config object. */
    readonly config?: string;
  } & FailureNote)[];
}

/** A container with the image, if there is one, and its status; `created` if it was never started. */
type Currency = { readonly current: true; readonly status: ContainerStatus } | { readonly current: false };

/** A backup of a replica's volumes from before a change. */
export interface KeptBackup {
  readonly at: string;
  readonly slot: string;
  /** Id of the image that had written the data. */
  readonly image: string;
  readonly volumes: readonly VolumeCopy[];
}

/** The action of `swapctl recover` for one item that a dead roll left behind. */
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
  /** The next action for the user. */
  readonly advice?: string;
}
