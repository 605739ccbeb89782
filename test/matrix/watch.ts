// Watches from outside: the answers to clients, and the data that starting containers find in their volumes.

import { answering, type Entrance } from '../memory/clients.ts';
import type { Rules } from '../memory/kernel.ts';
import type { Box, Machine } from '../memory/machine.ts';
import { roleOf, stateOf } from './boxes.ts';
import type { Setup } from './setups.ts';

export interface Outage {
  readonly way: Entrance;
  readonly from: number;
  to: number | undefined;
}

export interface Watch {
  readonly outages: Outage[];
  /** Containers that started on the wrong data. */
  readonly wrongs: string[];
  /** The container and its predecessors: it must find their data. */
  lineage(id: string): ReadonlySet<string>;
  /** All written data, by container. */
  readonly written: ReadonlyMap<string, readonly string[]>;
  /** True: a user changed the volumes, so their data proves nothing any more. */
  meddled: boolean;
}

export function watchClients(machine: Machine, rules: Rules, ways: readonly Entrance[], { copies }: Setup): Watch {
  const lineages = new Map<string, ReadonlySet<string>>();
  const written = new Map<string, string[]>();
  const notes: Omit<Notes, 'watch'> = { lineages, written, runs: new Map(), rolls: new Map(), replaced: new Map() };
  const watch: Watch = {
    outages: [],
    wrongs: [],
    written,
    meddled: false,
    lineage: (id) => lineages.get(id) ?? new Set([id]),
  };
  const look = (): void => {
    for (const way of ways) noteAnswer(machine, rules, way, watch.outages);
    if (copies) for (const box of machine.boxes.values()) noteStart(machine, box, { watch, ...notes });
  };
  machine.clock.watch(look);
  look();
  return watch;
}

function noteAnswer(machine: Machine, rules: Rules, way: Entrance, outages: Outage[]): void {
  const open = outages.find((one) => one.way === way && one.to === undefined);
  const answered = isHolding(way) || answering(machine, rules, way) !== undefined;
  if (open && answered) open.to = machine.clock.now();
  if (!open && !answered) outages.push({ way, from: machine.clock.now(), to: undefined });
}

// A proxy that holds requests refuses none.
function isHolding(way: Entrance): boolean {
  return way.kind === 'proxy' && way.targets() === undefined;
}

interface Notes {
  readonly watch: Watch;
  readonly lineages: Map<string, ReadonlySet<string>>;
  readonly written: Map<string, string[]>;
  readonly runs: Map<string, number>;
  /** The roll that made a container, by its id. */
  readonly rolls: Map<string, string>;
  /** The lineage of a replaced container, by its successor's id: its data is in the backup of its roll. */
  readonly replaced: Map<string, ReadonlySet<string>>;
}

// A container that starts on half-restored data, or on data of another lineage, does harm.
function noteStart(machine: Machine, box: Box, notes: Notes): void {
  const { watch, lineages, written, runs, rolls } = notes;
  if (!lineages.has(box.id)) {
    lineages.set(box.id, lineageOf(box, notes));
    const state = stateOf(box);
    rolls.set(box.id, state?.roll ?? '');
    if (state?.replaces) notes.replaced.set(box.id, lineageKnown(state.replaces, lineages));
  }
  if ((runs.get(box.id) ?? 0) === box.run) return;
  runs.set(box.id, box.run);
  if (box.app.writes === undefined || isHelper(box)) return;
  const own = lineages.get(box.id) ?? new Set();
  for (const { name, writable } of box.mounts) {
    if (!writable) continue;
    const entry = `${box.id.slice(0, 12)}-${box.run}`;
    written.set(box.id, [...(written.get(box.id) ?? []), entry]);
    const strange = [...(machine.volumes.get(name)?.files.keys() ?? [])].find((one) => !own.has(writerOf(one)));
    if (strange !== undefined && !watch.meddled) watch.wrongs.push(`${box.name} was started on what ${strange} left`);
  }
}

function isHelper(box: Box): boolean {
  return roleOf(box) !== undefined;
}

/** The prefix of the id of the container that wrote an entry. */
export function writerOf(entry: string): string {
  return entry.slice(0, 12);
}

// A restored container, or one started on a backup, has its candidate's lineage; another one has that of its predecessor.
function lineageOf(box: Box, { lineages, rolls, replaced }: Omit<Notes, 'watch'>): ReadonlySet<string> {
  const state = stateOf(box);
  const own = box.id.slice(0, 12);
  if (state?.replaces) {
    const undone = state.fillFrom !== undefined && rolls.get(state.replaces) === state.fillFrom;
    const before = undone ? replaced.get(state.replaces) : lineageKnown(state.replaces, lineages);
    return new Set([...(before ?? []), own]);
  }
  const restored = /^(.+)-restored$/.exec(state?.roll ?? '')?.[1];
  const candidate = [...rolls].find(([, roll]) => roll === restored)?.[0];
  if (!candidate) return new Set([own]);
  const before = lineages.get(candidate) ?? [];
  return new Set([...before].filter((one) => one !== candidate.slice(0, 12)).concat(own));
}

// A container that was gone before the watch began has no predecessors.
function lineageKnown(id: string, lineages: Notes['lineages']): ReadonlySet<string> {
  return lineages.get(id) ?? new Set([id.slice(0, 12)]);
}
