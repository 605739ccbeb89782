import type { ContainerSummary } from '../model/container.ts';
import { SwapError } from '../model/error.ts';
import { type Labelled, ownLabels } from '../model/own-labels.ts';
import type { Volume } from '../model/volume.ts';
import { decodeState, type Role, type StateLabels } from './labels.ts';
import { backupName, failureName, isLockName, type Reserved, reservedName, slotNames } from './names.ts';

type Subject = Pick<ContainerSummary, 'name' | 'labels' | 'status'>;

// One observation asks about each container many times, and its objects never change.
const MADE = new WeakMap<Subject, StateLabels | undefined>();

/**
 * The state that swapctl wrote on a container that it made under one of its own names; undefined for everything else. Neither a
 * name nor labels prove anything alone: the labels must be the container's own, with the role and the slot of the name.
 */
export function madeBySwapctl(container: Subject): StateLabels | undefined {
  if (!MADE.has(container)) MADE.set(container, provenState(container));
  return MADE.get(container);
}

function provenState({ name, labels, status }: Subject): StateLabels | undefined {
  const place = reservedName(name);
  const state = place && decodeState(labels);
  if (!place || !state || !fits(place, name, state)) return undefined;
  return isInert(place) && STARTED.includes(status) ? undefined : state;
}

/** The role of a helper, rehearsal or record of swapctl; undefined for serving containers, and for those of other programs. */
export function helperRole(container: Subject): Role | undefined {
  const role = madeBySwapctl(container)?.role;
  return role === 'replica' ? undefined : role;
}

/** The slot of each container. Helpers of swapctl belong to none. */
export function slotNamesOf(all: readonly ContainerSummary[]): Map<ContainerSummary, string> {
  const replaced = replacedIn(all);
  const slotsOf = new Map<ContainerSummary, string>();
  for (const container of all)
    if (helperRole(container) === undefined) slotsOf.set(container, slotNameAmong(container, replaced));
  return slotsOf;
}

/** The members of one slot. */
export function membersOf(all: readonly ContainerSummary[], slotName: string): ContainerSummary[] {
  return [...slotNamesOf(all)].flatMap(([container, slot]) => (slot === slotName ? [container] : []));
}

/** The helpers of one slot with a role. */
export function helpersOf(all: readonly ContainerSummary[], slotName: string, role: Role): ContainerSummary[] {
  return all.filter((one) => reservedName(one.name)?.slotName === slotName && helperRole(one) === role);
}

/** Containers that swapctl did not make, but whose names a roll of the slot needs. */
export function strangersIn(all: readonly ContainerSummary[], slotName: string): ContainerSummary[] {
  const { slotName: _, ...names } = slotNames(slotName);
  const taken = new Set<string>(Object.values(names));
  return [...slotNamesOf(all)].flatMap(([one, slot]) => (taken.has(one.name) && slot !== slotName ? [one] : []));
}

/** Raises `attention` if a container that swapctl did not make has a name that a roll of the slot needs. */
export function refuseStrangers(all: readonly ContainerSummary[], slotName: string): void {
  const [stranger] = strangersIn(all, slotName);
  if (stranger) notOurs(stranger.name);
}

/** All containers with a name of swapctl's own for a slot that swapctl did not make. */
export function strangersAmong(
  all: readonly ContainerSummary[],
): { name: string; slotName: string; error: SwapError }[] {
  return [...slotNamesOf(all)].flatMap(([{ name }, slot]) => {
    const place = reservedName(name);
    return place && slot === name ? [{ name, slotName: place.slotName, error: strange(name) }] : [];
  });
}

/** Raises `attention` for a container that has one of swapctl's names. */
export function notOurs(name: string): never {
  throw strange(name);
}

function strange(name: string): SwapError {
  return new SwapError('attention', `${name} has a name that only swapctl gives, and was not made by swapctl`, {
    hint: `it was not touched; ${adviceFor(name)}, then run swapctl again`,
  });
}

function adviceFor(name: string): string {
  const place = reservedName(name);
  const rename = `docker rename ${name} NEW-NAME`;
  if (place?.kind !== 'old') return `rename it (${rename}) or remove it`;
  return `if it is what served before, give it its name back (docker rename ${name} ${place.slotName}), else rename it (${rename})`;
}

/** The state that swapctl wrote on a backup volume of a slot: a label proves it, a name does not. */
export function copyState({ name, labels }: Omit<Labelled, 'imageId'>, slotName: string): StateLabels | undefined {
  const state = decodeState(ownLabels({ name, labels, imageId: '' }, {}));
  return state?.role === 'backup' && state.slot === slotName ? state : undefined;
}

/**
 * The state that swapctl wrote on a volume that records a failed image; undefined for every other volume. Its labels name the
 * slot and the roll of its name, and no image can set labels on it.
 */
export function failureState({ name, labels }: Volume): StateLabels | undefined {
  const state = decodeState(ownLabels({ name, labels, imageId: '' }, {}));
  if (state?.role !== 'failed' || !state.failure) return undefined;
  return name === failureName(state.slot, state.roll) ? state : undefined;
}

/** The facts needed before a volume's content is replaced. */
export interface Refilled {
  readonly volume: string;
  readonly copy: string;
  /** True: the labels of the backup volume name this slot. */
  readonly isCopy: boolean;
  /** The containers that write to the volume, or would if they ran. */
  readonly writers: readonly { readonly id: string; readonly name: string; readonly running: boolean }[];
}

/**
 * Why a volume must not be emptied and filled from a backup; undefined if it may. `owner`: the id of the container that is to get
 * the data, which must mount it writable; no other running container may.
 */
export function whyNotRefill({ volume, copy, isCopy, writers }: Refilled, owner: string): string | undefined {
  if (!isCopy) return `the volume ${copy} does not say that it is a copy made for this slot`;
  if (!writers.some(({ id }) => id === owner))
    return `the container that is to start does not write to the volume ${volume}`;
  const other = writers.find(({ id, running }) => running && id !== owner);
  return other && `${other.name} is writing to the volume ${volume}`;
}

type Fit = (place: Reserved, name: string, state: StateLabels) => boolean;

const inSlot =
  (role: Role): Fit =>
  ({ slotName }, _, state) =>
    state.role === role && state.slot === slotName;

const FITS: Readonly<Record<Reserved['kind'], Fit>> = {
  next: inSlot('replica'),
  old: inSlot('replica'),
  rehearsal: inSlot('rehearsal'),
  'stand-in': inSlot('stand-in'),
  helper: inSlot('helper'),
  copying: inSlot('copying'),
  reading: inSlot('copying'),
  'start-check': inSlot('copying'),
  'one-shot': inSlot('one-shot'),
  backup: (_, name, { role, slot, roll }) => role === 'backup' && name === backupName(slot, roll),
  lock: (_, name, { role, slot, service }) => role === 'lock' && slot === service && isLockName(name, service),
};

function fits(place: Reserved, name: string, state: StateLabels): boolean {
  return FITS[place.kind](place, name, state);
}

// swapctl never starts a container that only holds a name and labels.
const STARTED: readonly ContainerSummary['status'][] = ['running', 'paused', 'restarting', 'exited'];

function isInert({ kind }: Reserved): boolean {
  return kind === 'backup' || kind === 'lock' || kind === 'reading';
}

/** By slot: the ids of containers that a roll replaces, by its candidate or its lock. */
interface Replaced {
  readonly bySlot: ReadonlyMap<string, ReadonlySet<string>>;
  readonly byLock: ReadonlySet<string>;
}

function replacedIn(all: readonly ContainerSummary[]): Replaced {
  const bySlot = new Map<string, Set<string>>();
  const byLock = new Set<string>();
  for (const container of all) {
    const made = madeBySwapctl(container) ?? underSlotName(container);
    if (made?.role === 'lock') for (const id of made.incumbents) byLock.add(id);
    if (made?.role !== 'replica' || made.replaces === undefined) continue;
    bySlot.set(made.slot, (bySlot.get(made.slot) ?? new Set()).add(made.replaces));
  }
  return { bySlot, byLock };
}

// After the switch the candidate has the slot name.
function underSlotName({ name, labels }: Subject): StateLabels | undefined {
  const state = decodeState(labels);
  return state?.role === 'replica' && state.slot === name ? state : undefined;
}

function slotNameAmong(container: ContainerSummary, { bySlot, byLock }: Replaced): string {
  const { id, name } = container;
  const place = reservedName(name);
  if (place?.kind !== 'next' && place?.kind !== 'old') return name;
  const isReplaced = place.kind === 'old' && (bySlot.get(place.slotName)?.has(id) || byLock.has(id));
  return isReplaced || madeBySwapctl(container) ? place.slotName : name;
}
