import type { Verdict } from '../health/health.ts';
import type { EngineVerdict, Noticed } from '../health/noticed.ts';
import type { RestartPolicy } from '../model/container.ts';
import type { ErrorCode, SwapError } from '../model/error.ts';
import type { PinnedImage } from '../model/image.ts';
import type { Strategy } from '../model/strategy.ts';
import type { ObservedRoute } from '../proxy/route.ts';
import type { VolumeCopy } from '../service/labels.ts';
import type { SlotNames } from '../service/names.ts';
import type { Canary } from '../settings/canary.ts';
import type { Choice } from '../strategy/choose.ts';
import type { AddressRedirect, PortRedirect } from '../traffic/routes.ts';
import type { StartCheckMoment } from './step.ts';

/** A container of the slot, with the facts that the planner needs. */
export interface Replica {
  readonly id: string;
  readonly name: string;
  readonly imageId: string;
  /** True: it already runs the desired image, under any id (core/model/image.ts, runs). */
  readonly current: boolean;
  readonly running: boolean;
  /** Its last start, in milliseconds of the engine's clock; 0: never. */
  readonly startedAt: number;
  /** The number of starts by this run. */
  readonly starts: number;
  /** False: a created container may lack something that its start needs. */
  readonly complete: boolean;
  readonly verdict: Verdict;
  /** True: it was healthy (or running, without a check) for the settle time. */
  readonly settled: boolean;
  /** How far a proxy that reads the engine's verdict on it can rely on that. */
  readonly noticed: Noticed;
  /** The maximum time until the engine's verdict once swapctl finds it healthy, in milliseconds. */
  readonly verdictWithinMs: number;
  readonly drained: boolean;
  /** True: its gate blocks all networks. */
  readonly shut: boolean;
  /** Files of the incumbent to copy into it before it starts. */
  readonly missingFiles: readonly string[];
  readonly autoRemove: boolean;
  /** Undefined: swapctl did not create it. */
  readonly roll: string | undefined;
  readonly replaces: string | undefined;
  readonly strategy: Strategy | undefined;
  readonly follows: string;
  readonly tagBefore: string | undefined;
  /** Volumes to back up before it starts, after its predecessor has stopped. */
  readonly saves: readonly string[];
  /** The roll whose backup is restored into its volumes before it starts. */
  readonly fillFrom: string | undefined;
  /** Image of the container that it replaces. */
  readonly imageBefore: string | undefined;
  readonly restart: RestartPolicy;
  /** True: the engine can't change that policy. */
  readonly restartFixed?: boolean;
  /** The restart policy before this run suspended it; undefined if it is in force. */
  readonly held: RestartPolicy | undefined;
}

/**
 * True: the engine would start a stopped container again when the engine itself starts (T25), by these policies, and swapctl can
 * prevent that. A container that is removed on exit has no such policy.
 */
export function comesBack({ autoRemove, restartFixed, restart }: Replica): boolean {
  return !autoRemove && !restartFixed && (restart.Name === 'always' || restart.Name === 'on-failure');
}

/** An image that failed in this slot. */
export interface Failure {
  /** The name of the volume that records it. */
  readonly name: string;
  readonly image: string;
  readonly digest: string | undefined;
  readonly roll: string;
  readonly code: ErrorCode;
  readonly reason: string;
  readonly at: string;
  /** The number of such failures in a row. */
  readonly tries: number;
}

/** A complete backup of the volumes of a slot, and the inert container that marks it. */
export interface Backup {
  /** The id of that container. */
  readonly id: string;
  readonly name: string;
  /** The roll that made it. */
  readonly roll: string;
  readonly at: string;
  /** Its completion, in milliseconds of the engine's clock. */
  readonly madeAt: number;
  /** Id of the image that had written the data. */
  readonly image: string;
  readonly copies: readonly VolumeCopy[];
}

/** The remains of a roll that died during a backup or a restore. */
export interface HalfCopied {
  /** The id of the container that copied. */
  readonly id: string;
  readonly name: string;
  /** Volumes that it was about to fill; empty for a restore. */
  readonly copies: readonly string[];
}

/** A container to re-create when a current or former container of the slot is replaced. */
export interface Dependent {
  readonly name: string;
  /** The id of that container. */
  readonly on: string;
  /** True: it lives in the namespaces of that container, and goes down with it. */
  readonly inside: boolean;
}

/** The state of a service's hooks in a roll. */
export interface SwitchHooks {
  /** The hooks still to run. */
  readonly due: readonly string[];
  /** Why the roll is to be undone; undefined if no hook failed, or the failure is only reported. */
  readonly failed: SwapError | undefined;
}

/** The route of a proxy in front of the slot, and the addresses that it may use. */
export interface SeenRoute extends ObservedRoute {
  /** Addresses of the slot's running containers, by id. */
  readonly addresses: Readonly<Record<string, string>>;
  /** The service's other replicas. `fit`: they may get requests. */
  readonly others: readonly { readonly address: string; readonly fit: boolean }[];
  /** True if the overlay belongs to a roll of another service. */
  readonly foreign: boolean;
}

/** Everything the planner looks at: one immutable snapshot of one slot. */
export interface Observed {
  readonly names: SlotNames;
  /** The container that serves, or served before the roll. */
  readonly incumbent: Replica | undefined;
  /** The container that is to replace it. */
  readonly candidate: Replica | undefined;
  readonly rehearsal: Replica | undefined;
  readonly rehearsed: boolean;
  /** The times at which this run checked that the incumbent could start again. */
  readonly startChecks: readonly StartCheckMoment[];
  /** Answers for the slot while its container is replaced (strategy `handover`). */
  readonly standIn: Replica | undefined;
  readonly portRedirect: PortRedirect;
  /**
   * True: new connections can be redirected from one container's addresses to another's; `addressRedirects`: the past and present
   * redirects.
   */
  readonly redirectsAddresses: boolean;
  readonly addressRedirects: readonly AddressRedirect[];
  /** True: a gate can block a fresh container until it is healthy. */
  readonly gates: boolean;
  readonly failures: readonly Failure[];
  readonly dependents: readonly Dependent[];
  /** The newest first. */
  readonly backups: readonly Backup[];
  readonly halfCopied: HalfCopied | undefined;
  /** Volumes of swapctl's own for backups that were never completed. */
  readonly looseCopies: readonly { readonly copy: string; readonly at: string }[];
  /** Ids of the backups that this run has restored. */
  readonly restored: readonly string[];
  /** Image id that the tracked reference names locally; undefined if it names none or can't move (a digest). */
  readonly taggedImage: string | undefined;
  readonly incumbentKept: boolean;
  /** The number of candidates of this run that are gone. */
  readonly vanished: number;
  /** The exit status of one of them that removed itself (--rm), if the engine still knows it. */
  readonly goneWith?: number | undefined;
  /** The number of them that a user stopped or removed, as far as the engine reports it; known only with --rm. */
  readonly removedByUser: number;
  readonly hooks: SwitchHooks;
  /** Ids of containers that this run has watched with their share of the requests or connections. */
  readonly watched: readonly string[];
  /** The route of the proxy in front; undefined: swapctl drives no proxy. */
  readonly route?: SeenRoute | undefined;
  /** The reason to undo: a step failed for good, or the user interrupted. No new work begins. */
  readonly giveUp: SwapError | undefined;
}

/** The desired backup of a slot's volumes. */
export interface WantedBackup {
  /** The volumes to back up. */
  readonly volumes: readonly string[];
  /** The number of backups to keep. */
  readonly keep: number;
  /** The roll whose backup the candidate gets in its volumes. */
  readonly fillFrom: string | undefined;
}

/** The proxy in front, as the user writes it, and its route. */
export interface WantedProxy {
  readonly name: string;
  readonly route: string;
  /** How long new requests may wait in the proxy; 0: they can't, or must not. */
  readonly holdMs: number;
  /** The share of requests that the candidate gets first. */
  readonly canary?: Canary | undefined;
}

/** The desired state of a slot. */
export interface Desired {
  readonly image: PinnedImage;
  readonly roll: string;
  /** Replace even a current container, and try failed images again. */
  readonly force: boolean;
  readonly choice: Choice;
  readonly keepReference: string;
  /** The image id that the tracked reference named before the roll; undefined if it named the desired image already. */
  readonly tagBefore: string | undefined;
  /** Recovery: finish or undo the interrupted roll, and begin nothing new. */
  readonly recoveryOnly?: boolean;
  readonly backup: WantedBackup;
  /** True: the start needs something from the host that may be gone, so check it before anything stops. */
  readonly checksStart: boolean;
  /** Set if the incumbent stays until the engine, too, reports the candidate as healthy. */
  readonly engineVerdict?: EngineVerdict | undefined;
  readonly proxy?: WantedProxy | undefined;
  /** The share of new connections that the kernel gives to a fresh container first; undefined if swapctl drives a proxy. */
  readonly canary?: Canary | undefined;
  /** True: a rollback, whose success keeps the records of failed images. */
  readonly back: boolean;
}
