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
import type { Cover, Forward } from '../traffic/routes.ts';
import type { StartCheckMoment } from './step.ts';

/** A container of the slot, as far as the planner reasons about it. */
export interface Replica {
  readonly id: string;
  readonly name: string;
  readonly imageId: string;
  /** Whether it already runs the desired image, under whatever id (core/image.ts, runs). */
  readonly current: boolean;
  readonly running: boolean;
  /** When it was started last, in milliseconds of the engine's clock; 0: never. */
  readonly startedAt: number;
  /** How often this run has started it. */
  readonly starts: number;
  /** False for a created container of which nobody knows any more whether all was done to it that a start needs. */
  readonly complete: boolean;
  readonly verdict: Verdict;
  /** Whether it was healthy (or running, without a check) for the settle time. */
  readonly settled: boolean;
  /** What the engine's verdict on it is worth to a proxy that reads that. */
  readonly noticed: Noticed;
  /** How long the engine's verdict takes at most once swapctl calls it healthy, in milliseconds. */
  readonly verdictWithinMs: number;
  readonly drained: boolean;
  /** Its networks can't reach it yet. */
  readonly shut: boolean;
  /** Files of the old container that are still to be copied into it before it starts. */
  readonly missingFiles: readonly string[];
  readonly autoRemove: boolean;
  /** Set on containers that swapctl created. */
  readonly roll: string | undefined;
  readonly replaces: string | undefined;
  readonly strategy: Strategy | undefined;
  readonly follows: string;
  readonly tagBefore: string | undefined;
  /** Volumes that are copied before it starts, after the container that it replaces has stopped. */
  readonly saves: readonly string[];
  /** The roll whose copies are put into its volumes before it starts. */
  readonly fillFrom: string | undefined;
  /** Image of the container that it replaces. */
  readonly imageBefore: string | undefined;
  readonly restart: RestartPolicy;
  /** Whether the engine can't change that policy. */
  readonly restartFixed?: boolean;
  /** The restart policy that it had before this run held it back; undefined where it has it still, or again. */
  readonly held: RestartPolicy | undefined;
}

/**
 * Whether the engine would start a container that was stopped again when it starts itself (T25), as these policies ask for, and
 * can be kept from it. One that is to be removed on exit has none of them.
 */
export function comesBack({ autoRemove, restartFixed, restart }: Replica): boolean {
  return !autoRemove && !restartFixed && (restart.Name === 'always' || restart.Name === 'on-failure');
}

/** An image that failed in this slot before. */
export interface Failure {
  /** Of the volume that remembers it. */
  readonly name: string;
  readonly image: string;
  readonly digest: string | undefined;
  readonly roll: string;
  readonly code: ErrorCode;
  readonly reason: string;
  readonly at: string;
  /** How often in a row it failed so. */
  readonly tries: number;
}

/** Complete copies of the volumes of a slot, and the inert container that says so. */
export interface Backup {
  /** Of that container. */
  readonly id: string;
  readonly name: string;
  /** The roll before whose change they were made. */
  readonly roll: string;
  readonly at: string;
  /** When they were complete, in milliseconds of the engine's clock. */
  readonly madeAt: number;
  /** Id of the image that had written what was copied. */
  readonly image: string;
  readonly copies: readonly VolumeCopy[];
}

/** What a roll that died in the middle of copying, or of putting back, has left. */
export interface HalfCopied {
  /** Of the container that it copied by. */
  readonly id: string;
  readonly name: string;
  /** Volumes that it was about to fill; none where it put something back. */
  readonly copies: readonly string[];
}

/** A container that has to be re-created when one that is, or was, of the slot is replaced. */
export interface Dependent {
  readonly name: string;
  /** Id of that one. */
  readonly on: string;
  /** Whether it lives in the namespaces of that one, and goes down with it. */
  readonly inside: boolean;
}

/** The hooks of a service, as far as a roll is with them. */
export interface SwitchHooks {
  /** What is still to be run. */
  readonly due: readonly string[];
  /** Why the roll is to go back; undefined where none failed, or that is only reported. */
  readonly failed: SwapError | undefined;
}

/** The route of a proxy in front of the slot, and the addresses that it may lead to. */
export interface SeenRoute extends ObservedRoute {
  /** Of running containers of the slot, by id. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Of the service's other replicas. `fit`: requests may go there. */
  readonly others: readonly { readonly address: string; readonly fit: boolean }[];
  /** True if the overlay belongs to a roll of another service. */
  readonly foreign: boolean;
  /** Ids of containers that this run has watched with their share of the requests. */
  readonly watched: readonly string[];
}

/** Everything the planner looks at: one immutable snapshot of one slot. */
export interface Observed {
  readonly names: SlotNames;
  /** The container that serves, or served before the swap. */
  readonly incumbent: Replica | undefined;
  /** The container that is to take its place. */
  readonly candidate: Replica | undefined;
  readonly rehearsal: Replica | undefined;
  readonly rehearsed: boolean;
  /** When this run has checked that the incumbent could start again. */
  readonly startChecks: readonly StartCheckMoment[];
  /** Answers for the slot while its container is replaced (way `handover`). */
  readonly standIn: Replica | undefined;
  readonly cover: Cover;
  /** Whether new connections to one container's addresses can be led to another, and which are or were. */
  readonly forwards: boolean;
  readonly forwarding: readonly Forward[];
  /** Whether a fresh container is kept from its networks until it is healthy. */
  readonly gates: boolean;
  readonly failures: readonly Failure[];
  readonly dependents: readonly Dependent[];
  /** The newest first. */
  readonly backups: readonly Backup[];
  readonly halfCopied: HalfCopied | undefined;
  /** Volumes of swapctl's own for copies that nothing says to be complete. */
  readonly looseCopies: readonly { readonly copy: string; readonly at: string }[];
  /** Ids of the backups that this run has put back. */
  readonly putBack: readonly string[];
  /** Image id that the followed reference names locally; undefined where it names none or can't be moved (a digest). */
  readonly localTag: string | undefined;
  readonly incumbentKept: boolean;
  /** How many containers that this run made to take the place are gone. */
  readonly vanished: number;
  /** The exit status of one of them that removed itself (--rm), if the engine still knows it. */
  readonly goneWith?: number | undefined;
  /** How many of them somebody stopped or removed, as far as the engine tells; only known of those with --rm. */
  readonly takenAway: number;
  readonly hooks: SwitchHooks;
  /** The route of the proxy in front; undefined: no proxy is told. */
  readonly route?: SeenRoute | undefined;
  /** Set when a step went wrong for good, or the user interrupted: nothing new is begun, what can be undone is. */
  readonly giveUp: SwapError | undefined;
}

/** What is wanted of a slot's volumes. */
export interface WantedBackup {
  /** Those that are to be copied. */
  readonly volumes: readonly string[];
  /** How many copies are kept. */
  readonly keep: number;
  /** The roll whose copies the new container is to find in its volumes. */
  readonly fillFrom: string | undefined;
}

/** The proxy that is told of a roll, as its user writes it, and its route. */
export interface WantedProxy {
  readonly name: string;
  readonly route: string;
  /** How long new requests may wait in it; 0: they can't, or are not to. */
  readonly holdMs: number;
  /** The share that the candidate gets first. */
  readonly canary?: Canary | undefined;
}

/** What is wanted of a slot. */
export interface Desired {
  readonly image: PinnedImage;
  readonly roll: string;
  /** Replace even what is current, and try again what failed. */
  readonly force: boolean;
  readonly choice: Choice;
  readonly keepReference: string;
  /** Where the followed reference pointed locally before the roll; undefined where it pointed at the image already. */
  readonly tagBefore: string | undefined;
  /** Recovery: what is half done is finished or taken back, and nothing new is begun. */
  readonly mendOnly?: boolean;
  readonly backup: WantedBackup;
  /** Whether a start needs anything from the host that may be gone by now, so that it is checked before anything stops. */
  readonly checksStart: boolean;
  /** Set if the incumbent stays until the engine, too, calls the candidate healthy. */
  readonly engineVerdict?: EngineVerdict | undefined;
  readonly proxy?: WantedProxy | undefined;
  /** Whether this is a way back to an earlier image; its success clears no memory of failures. */
  readonly back: boolean;
}
