import type { Asked } from '../../core/health/blame.ts';
import { type HealthMemory, NOTHING_SEEN } from '../../core/health/health.ts';
import type { Container, Image, RestartPolicy } from '../../core/model/container.ts';
import type { SwapError } from '../../core/model/error.ts';
import type { OwnedLabels } from '../../core/model/own-labels.ts';
import type { Successors } from '../../core/model/references.ts';
import type { Proxied } from '../../core/proxy/proxied.ts';
import type { Wanted } from '../../core/proxy/route.ts';
import type { RollPhase } from '../../core/report/phase.ts';
import type { DrainedConnections, ReportedStep, StaleClient } from '../../core/report/report.ts';
import type { Desired } from '../../core/rollout/observed.ts';
import type { StartCheckMoment } from '../../core/rollout/step.ts';
import type { HistoryEntry, VolumeCopy } from '../../core/service/labels.ts';
import type { SlotNames } from '../../core/service/names.ts';
import type { Policy } from '../../core/settings/policy.ts';
import type { Forward } from '../../core/traffic/routes.ts';
import type { ForwardStart, Ports } from '../../ports/ports.ts';

/** What one run over one slot works with: the wish, and the memory that is lost with the process. */
export interface SlotRun {
  readonly ports: Ports;
  readonly names: SlotNames;
  readonly service: string;
  readonly policy: Policy;
  readonly desired: Desired;
  readonly event: HistoryEntry['event'];
  /** Names of containers that live in the namespaces of the slot's or are linked to it, found before the roll. */
  readonly dependents: readonly string[];
  /** Published ports on which the old container answered; `required`: the new one fails if it does not. */
  readonly answered: { readonly ports: readonly number[]; readonly required: boolean };
  /** Paths that compose copied into the old container. */
  readonly inlineFiles: readonly string[];
  /** Ids of containers that served the slot before the incumbent, which other containers still name. */
  readonly predecessors: readonly string[];
  /** Of the containers that this run knows to be replaced: what was shared with them is shared with their successors. */
  readonly successors: Successors;
  /** Aborts waits when the user interrupts. */
  readonly signal: AbortSignal;
  /** Aborted when somebody else took the lock: then nothing may be changed any more. */
  readonly lost: AbortSignal;
  /** Raises `attention` where somebody may have taken the lock while the engine was out of reach. */
  readonly confirmLock: () => Promise<void>;
  /** Whether the kernel moves traffic here at all. */
  readonly movesTraffic: boolean;
  /** Whether the kernel can keep a fresh container from its networks until it is healthy. */
  readonly gates: boolean;
  /** Whether the kernel can redirect what comes for one container's addresses to another. */
  readonly forwards: boolean;
  /** The proxy in front that is told; undefined: none. */
  readonly proxy: Proxied | undefined;
  readonly memory: Memory;
  /** Milliseconds of the engine's clock. */
  readonly now: () => number;
  /** Re-creates the named containers so that they share with `to` what they shared with `from`. */
  readonly moveDependents: (names: readonly string[], from: string, to: string) => Promise<void>;
}

export interface Memory {
  /** By container: what was seen of its health since it was started at that time. */
  readonly health: Map<string, HealthMemory & { readonly startedAt: number }>;
  readonly images: Map<string, Image | undefined>;
  /** Labels of inspected containers, by id. */
  readonly own: Map<string, OwnedLabels>;
  /** Containers that this run created, those of them that were to take the place, and those that got their files. */
  readonly created: Set<string>;
  readonly candidates: Set<string>;
  /** Those of them that are gone and had --rm, by id: whether somebody stopped or removed them. */
  readonly takenAway: Map<string, boolean>;
  readonly copied: Set<string>;
  /** Containers that their networks can't reach yet, and until when. */
  readonly shut: Map<string, number>;
  /** Containers that turn new connections away since the end of their drain. */
  readonly turnedAway: Set<string>;
  /** By container: its connections when its drain ended; undefined where they could not be counted. */
  readonly drained: Map<string, DrainedConnections | undefined>;
  /** By container: the restart policy that this run has taken from it. */
  readonly held: Map<string, RestartPolicy>;
  /** By container: why it can't be started, where the engine tells it in its answer alone. */
  readonly unstartable: Map<string, string>;
  /** By container and run of it: what else than its image can have caused its failure; undefined if nothing. */
  readonly otherCauses: Map<string, string | undefined>;
  /** How the incumbent answered the health check before the roll; undefined if it was not asked. */
  incumbentAsked: Asked | undefined;
  /** Whether the engine was away since the last look. */
  away: boolean;
  /** Containers that were down when the engine came back. */
  readonly fallen: Set<string>;
  /** By container: how often this run has started it. */
  readonly starts: Map<string, number>;
  readonly times: Map<string, number>;
  /** The current phase, and all steps so far, including those that failed. */
  phase: RollPhase | undefined;
  readonly steps: ReportedStep[];
  /** Containers whose new connections this run has led to another, which no step has ended: as they were then. */
  readonly forwarded: Map<string, ForwardStart>;
  /** By container: what keeps its forward from ending while this run lives. */
  readonly renewals: Map<string, Renewal>;
  /** Containers for whose start this run has held new addresses, and may hold them still. */
  readonly holds: Set<string>;
  /** Every forward that was tried, for when it leads no more. */
  readonly forwards: Forward[];
  /** Whether somebody answered at the last look, since when nobody does, and for how long nobody did before (milliseconds). */
  answered: boolean;
  gap: { readonly since: number | undefined; readonly ms: number };
  /** When it was last found to answer again; and when the last of the dependents that were moved since the gap began was. */
  answeredAt: number | undefined;
  dependentsAnsweredAt: number | undefined;
  /** Clients that have used the address of a stopped container until its redirect ended. */
  readonly staleClients: StaleClient[];
  /** By hook: why it failed, undefined where it did not; and whether all were run. */
  readonly hooks: { done: boolean; readonly results: Map<string, string | undefined> };
  /** The last lines of the container that failed last. */
  lastWords: readonly string[];
  /** The status of HTTP with which the last probe of the container that failed last was answered. */
  lastStatus: number | undefined;
  /** How many connections the gate redirected away from the container that failed last, until it failed. */
  redirectedAway: number;
  rehearsed: boolean;
  readonly startChecks: Set<StartCheckMoment>;
  /** Ids of the backups that were put back, and how long that took (milliseconds). */
  readonly putBack: Set<string>;
  putBackMs: number | undefined;
  /** What was copied of the volumes, and how long that took (milliseconds). */
  backup: { readonly copies: readonly VolumeCopy[]; readonly ms: number } | undefined;
  /** Volumes of old copies that could not be removed, since somebody uses them. */
  readonly leftCopies: Set<string>;
  /** Volumes that remember a failed image and could not be removed, since a container uses them. */
  readonly leftRecords: Set<string>;
  /** By name: the moves of dependents that were begun and did not come to their end. */
  readonly moving: Map<string, SlotRun>;
  /** Containers that were watched with a share of the requests. */
  readonly watched: Set<string>;
  /** True if swapctl has waited for the proxy in vain. */
  proxyAway: boolean;
  /** The last state of the route that this run has asked for, and when it was seen last. */
  routed: { readonly wanted: Wanted; readonly at: number } | undefined;
  giveUp: SwapError | undefined;
  /** What a person is to know of the roll, for its report. */
  readonly notes: Set<string>;
}

/** Something that is done again and again; `stop` resolves when it is certain that it is not done any more. */
export interface Renewal {
  stop(): Promise<void>;
}

/** A memory that knows nothing. */
export function freshMemory(): Memory {
  return {
    health: new Map(),
    images: new Map(),
    own: new Map(),
    created: new Set(),
    candidates: new Set(),
    takenAway: new Map(),
    copied: new Set(),
    shut: new Map(),
    turnedAway: new Set(),
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
    forwarded: new Map(),
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
    putBack: new Set(),
    putBackMs: undefined,
    backup: undefined,
    leftCopies: new Set(),
    leftRecords: new Set(),
    moving: new Map(),
    watched: new Set(),
    proxyAway: false,
    routed: undefined,
    giveUp: undefined,
    notes: new Set(),
  };
}

/** What this run has seen of a container's health since its last start; one before that proves nothing. */
export function recall(run: SlotRun, { id, startedAt }: Pick<Container, 'id' | 'startedAt'>): HealthMemory {
  const known = run.memory.health.get(id);
  return known?.startedAt === startedAt ? known : NOTHING_SEEN;
}
