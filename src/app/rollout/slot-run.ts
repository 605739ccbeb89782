import type { Asked } from '../../core/health/blame.ts';
import { type HealthMemory, NOTHING_SEEN } from '../../core/health/health.ts';
import type { Container, RestartPolicy } from '../../core/model/container.ts';
import type { SwapError } from '../../core/model/error.ts';
import type { Successors } from '../../core/model/references.ts';
import type { Proxied } from '../../core/proxy/proxied.ts';
import type { Wanted } from '../../core/proxy/route.ts';
import type { RollPhase } from '../../core/report/phase.ts';
import type { DrainedConnections, ReportedStep, StaleClient } from '../../core/report/report.ts';
import type { Desired } from '../../core/rollout/observed.ts';
import type { StartCheckMoment } from '../../core/rollout/step.ts';
import type { ComposeHooks } from '../../core/service/compose-hooks.ts';
import type { HistoryEntry, VolumeCopy } from '../../core/service/labels.ts';
import type { SlotNames } from '../../core/service/names.ts';
import type { Policy } from '../../core/settings/policy.ts';
import type { AddressRedirect } from '../../core/traffic/routes.ts';
import type { Ports, RedirectStart } from '../../ports/ports.ts';
import type { ImageCache } from '../select/own.ts';

/** One run over one slot: the desired state, and the memory that is lost with the process. */
export interface SlotRun {
  readonly ports: Ports;
  readonly names: SlotNames;
  readonly service: string;
  readonly policy: Policy;
  readonly desired: Desired;
  readonly event: HistoryEntry['event'];
  /** Names of containers in the namespaces of the slot's container or linked to it, found before the roll. */
  readonly dependents: readonly string[];
  /** Published ports on which the incumbent answered; `required`: the candidate fails if it does not. */
  readonly answered: { readonly ports: readonly number[]; readonly required: boolean };
  /** Paths that compose copied into the incumbent. */
  readonly inlineFiles: readonly string[];
  /** The hooks of its compose file. */
  readonly composeHooks: ComposeHooks;
  /** Ids of containers that served the slot before the incumbent, which other containers still name. */
  readonly predecessors: readonly string[];
  /** The replaced containers that this run knows, with the successors that share in their place. */
  readonly successors: Successors;
  /** Aborts waits when the user interrupts. */
  readonly signal: AbortSignal;
  /** Aborts when another process took the lock: then this run must not change anything. */
  readonly lost: AbortSignal;
  /** Raises `attention` if another process may have taken the lock while the engine was out of reach. */
  readonly confirmLock: () => Promise<void>;
  /** True: the kernel moves traffic here. */
  readonly movesTraffic: boolean;
  /** True: the kernel can block a fresh container from its networks until it is healthy. */
  readonly gates: boolean;
  /** True: the kernel can redirect one container's addresses to another container. */
  readonly forwards: boolean;
  /** The proxy in front that swapctl drives; undefined: none. */
  readonly proxy: Proxied | undefined;
  readonly images: ImageCache;
  readonly memory: Memory;
  /** Milliseconds of the engine's clock. */
  readonly now: () => number;
  /** Re-creates the named containers so that they share with `to` instead of `from`. */
  readonly moveDependents: (names: readonly string[], from: string, to: string) => Promise<void>;
}

export interface Memory {
  /** By container: the observations of its health since it was started at that time. */
  readonly health: Map<string, HealthMemory & { readonly startedAt: number }>;
  /** Containers that this run created; those among them that are candidates; and those that got their files. */
  readonly created: Set<string>;
  readonly candidates: Set<string>;
  /** By id: removed candidates with --rm, and true if a user stopped or removed them. */
  readonly removedByUser: Map<string, boolean>;
  readonly copied: Set<string>;
  /** Gated containers, and the end of each gate's time. */
  readonly shut: Map<string, number>;
  /** Containers that reject new connections since the end of their drain. */
  readonly rejecting: Set<string>;
  /** By container: its connections at the end of its drain; undefined if they could not be counted. */
  readonly drained: Map<string, DrainedConnections | undefined>;
  /** By container: the restart policy that this run suspended. */
  readonly held: Map<string, RestartPolicy>;
  /** By container: why it can't start, if only the engine's answer says so. */
  readonly unstartable: Map<string, string>;
  /** By container and its run: another possible cause of its failure than its image; undefined if there is none. */
  readonly otherCauses: Map<string, string | undefined>;
  /** The incumbent's answer to the health check before the roll; undefined if it was not asked. */
  incumbentAsked: Asked | undefined;
  /** True: the engine was away since the last observation. */
  away: boolean;
  /** Containers that were down when the engine came back. */
  readonly fallen: Set<string>;
  /** By container: the number of starts by this run. */
  readonly starts: Map<string, number>;
  readonly times: Map<string, number>;
  /** The current phase, and all steps so far, including failed ones. */
  phase: RollPhase | undefined;
  readonly steps: ReportedStep[];
  /** Containers whose new connections this run redirects, as they were at that time. */
  readonly redirected: Map<string, RedirectStart>;
  /** By container: the renewal of its address redirect while this run lives. */
  readonly renewals: Map<string, Renewal>;
  /** Containers for whose start this run holds, or may still hold, new addresses. */
  readonly holds: Set<string>;
  /** Every address redirect that was tried, as a record for after its end. */
  readonly forwards: AddressRedirect[];
  /** True: a container answered at the last observation; and the start and length of the gaps before (milliseconds). */
  answered: boolean;
  gap: { readonly since: number | undefined; readonly ms: number };
  /** The time at which it answered again; and the same for the last of its moved dependents. */
  answeredAt: number | undefined;
  dependentsAnsweredAt: number | undefined;
  /** Clients that used the address of a stopped container until its redirect ended. */
  readonly staleClients: StaleClient[];
  /** By hook: its error, undefined if it succeeded; and true once all have run. */
  readonly hooks: { done: boolean; readonly results: Map<string, string | undefined> };
  /** The last lines of the last failed container. */
  lastWords: readonly string[];
  /** The HTTP status of the last probe of the last failed container. */
  lastStatus: number | undefined;
  /** The number of connections that the gate redirected away from the last failed container. */
  redirectedAway: number;
  rehearsed: boolean;
  readonly startChecks: Set<StartCheckMoment>;
  /** Starts of containers (id and time) after which `post_start` was run, and containers in which `pre_stop` was. */
  readonly postStarted: Set<string>;
  readonly preStopped: Set<string>;
  /** Ids of the backups that were put back, and how long that took (milliseconds). */
  readonly restored: Set<string>;
  restoreMs: number | undefined;
  /** The volume backup, and its duration (milliseconds). */
  backup: { readonly copies: readonly VolumeCopy[]; readonly ms: number } | undefined;
  /** Volumes of old backups that could not be removed because a container uses them. */
  readonly leftCopies: Set<string>;
  /** Volumes that record a failed image and could not be removed because a container uses them. */
  readonly leftRecords: Set<string>;
  /** By name: interrupted moves of dependents. */
  readonly moving: Map<string, SlotRun>;
  /** Containers that were watched with a share of the requests, and the end of that. */
  readonly watched: Map<string, number>;
  /** True: swapctl has waited for the proxy in vain. */
  proxyAway: boolean;
  /** The last state of the route that this run requested, and the time of its last observation. */
  routed: { readonly wanted: Wanted; readonly at: number } | undefined;
  giveUp: SwapError | undefined;
  /** Notes for the user in the report. */
  readonly notes: Set<string>;
}

/** A repeated action; `stop` resolves once it is certain that the action no longer happens. */
export interface Renewal {
  stop(): Promise<void>;
}

/** An empty memory. */
export function freshMemory(): Memory {
  return {
    health: new Map(),
    created: new Set(),
    candidates: new Set(),
    removedByUser: new Map(),
    copied: new Set(),
    shut: new Map(),
    rejecting: new Set(),
    drained: new Map(),
    held: new Map(),
    unstartable: new Map(),
    otherCauses: new Map(),
    incumbentAsked: undefined,
    away: false,
    fallen: new Set(),
    starts: new Map(),
    times: new Map(),
    phase: undefined,
    steps: [],
    redirected: new Map(),
    renewals: new Map(),
    holds: new Set(),
    forwards: [],
    answered: false,
    gap: { since: undefined, ms: 0 },
    answeredAt: undefined,
    dependentsAnsweredAt: undefined,
    staleClients: [],
    hooks: { done: false, results: new Map() },
    lastWords: [],
    lastStatus: undefined,
    redirectedAway: 0,
    rehearsed: false,
    startChecks: new Set(),
    postStarted: new Set(),
    preStopped: new Set(),
    restored: new Set(),
    restoreMs: undefined,
    backup: undefined,
    leftCopies: new Set(),
    leftRecords: new Set(),
    moving: new Map(),
    watched: new Map(),
    proxyAway: false,
    routed: undefined,
    giveUp: undefined,
    notes: new Set(),
  };
}

/** The begin of a healthy container's settle time: it gets all requests, so a canary comes first. */
export function settlesFrom({ memory }: SlotRun, { id }: Pick<Container, 'id'>, healthySince: number): number {
  return Math.max(healthySince, memory.watched.get(id) ?? healthySince);
}

/** This run's observations of a container's health since its last start; earlier ones prove nothing. */
export function recall(run: SlotRun, { id, startedAt }: Pick<Container, 'id' | 'startedAt'>): HealthMemory {
  const known = run.memory.health.get(id);
  return known?.startedAt === startedAt ? known : NOTHING_SEEN;
}
