import { type ErrorCode, isErrorCode } from '../model/error.ts';
import { STATE } from '../model/label-keys.ts';
import type { OwnLabels } from '../model/own-labels.ts';
import { isImageId } from '../model/reference.ts';
import { STRATEGIES, type Strategy } from '../model/strategy.ts';
import type { UserSet } from '../recreate/user-set.ts';

/**
 * What a container of swapctl's own is: a replica that serves or will, one of the inert ones that help, or the one that rolls
 * the container that swapctl itself runs in.
 */
export type Role = 'replica' | 'rehearsal' | 'stand-in' | 'failed' | 'lock' | 'helper' | 'backup' | 'copying';

const ROLES: readonly Role[] = ['replica', 'rehearsal', 'stand-in', 'failed', 'lock', 'helper', 'backup', 'copying'];

/** One earlier image of a slot. `at` is ISO 8601. */
export interface HistoryEntry {
  readonly at: string;
  readonly follows: string;
  readonly id: string;
  readonly digest?: string | undefined;
  readonly event: 'started' | 'rolled' | 'rolled-back';
  /** The roll that brought it; absent where no roll did. */
  readonly roll?: string | undefined;
}

/** Everything that swapctl writes down on a container that it creates. */
export interface StateLabels {
  readonly role: Role;
  readonly service: string;
  /** The slot: the name that the container has, or is to have, when nothing is going on. */
  readonly slot: string;
  readonly roll: string;
  readonly at: string;
  readonly generation: number;
  readonly follows: string;
  readonly image: string;
  readonly digest: string | undefined;
  readonly strategy: Strategy | undefined;
  /** Id of the container that it takes the place of. */
  readonly replaces: string | undefined;
  /** Ids of containers that served the slot before that one, as far as other containers still name them. */
  readonly predecessors: readonly string[];
  /** Where the followed reference pointed locally before the roll, to put it back. */
  readonly tagBefore: string | undefined;
  /** Id of the image that the replaced container ran. */
  readonly imageBefore: string | undefined;
  readonly userSet: UserSet | undefined;
  /** Volumes that are copied before it starts (role `replica`). */
  readonly saves: readonly string[];
  /** The roll whose copies are put into its volumes before it starts (role `replica`). */
  readonly fillFrom: string | undefined;
  /** The volumes that were copied (role `backup`), or are to be (`copying`). */
  readonly copies: readonly VolumeCopy[];
  readonly history: readonly HistoryEntry[];
  /** Why an image failed here (role `failed`). */
  readonly failure: FailureNote | undefined;
  /** Who holds the lock (role `lock`). */
  readonly holder: string | undefined;
  /** Ids of the containers that the holder may rename to get them out of the way (role `lock`). */
  readonly incumbents: readonly string[];
  /** The group of hosts whose roll took the lock (role `lock`). */
  readonly group: string | undefined;
  /** Id of the image that it was created from. */
  readonly base: string | undefined;
}

/** A volume, and the one that holds its copy. */
export interface VolumeCopy {
  readonly volume: string;
  readonly copy: string;
  /** What its regular files hold, and how many files and folders there are; 0 where that is not known yet. */
  readonly bytes: number;
  readonly files: number;
}

/** The part of the state labels that one kind of container needs. */
export type StateNote = { readonly [K in keyof StateLabels]?: StateLabels[K] | undefined } & Pick<
  StateLabels,
  'role' | 'service' | 'slot'
>;

export interface FailureNote {
  readonly code: ErrorCode;
  /** How often in a row it failed so; absent: once. */
  readonly tries?: number;
  readonly reason: string;
  readonly health: readonly string[];
  readonly log: readonly string[];
}

/** Writes all state labels, empty where there is nothing to say, so that none of an image shines through. */
export function encodeState(state: StateNote): Record<string, string> {
  const said = Object.entries(state).flatMap(([key, value]) =>
    value === undefined ? [] : [[LABELS[key as keyof StateLabels] ?? STATE + kebab(key), value]],
  );
  const texts = said.map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)]);
  return { ...NOTHING_SAID, [`${STATE}version`]: '1', ...Object.fromEntries(texts) };
}

// By type complete: a new one is a line here.
const KEYS: { readonly [K in keyof StateLabels]: true } = {
  role: true,
  service: true,
  slot: true,
  roll: true,
  at: true,
  generation: true,
  follows: true,
  image: true,
  digest: true,
  strategy: true,
  replaces: true,
  predecessors: true,
  tagBefore: true,
  imageBefore: true,
  userSet: true,
  saves: true,
  fillFrom: true,
  copies: true,
  history: true,
  failure: true,
  holder: true,
  incumbents: true,
  group: true,
  base: true,
};

/** The label of each part. */
const LABELS = Object.fromEntries(Object.keys(KEYS).map((key) => [key, STATE + kebab(key)])) as Readonly<
  Record<keyof StateLabels, string>
>;

const NOTHING_SAID = Object.fromEntries(Object.values(LABELS).map((label) => [label, '']));

/** The label of everything that swapctl made for one purpose, as filters of the engine have it. */
export function roleLabel(role: Role): string {
  return `${LABELS.role}=${role}`;
}

/** The label of everything that swapctl made for a slot, as filters of the engine have it. */
export function slotLabel(home: string): string {
  return `${STATE}slot=${home}`;
}

// One look asks for the state of the same container many times. Its labels never change, so they are read once.
const DECODED = new WeakMap<OwnLabels, StateLabels | undefined>();

/** Reads state labels; undefined where the container is not one of swapctl's. Damaged values count as absent. */
export function decodeState(labels: OwnLabels): StateLabels | undefined {
  if (!DECODED.has(labels)) DECODED.set(labels, decoded(labels));
  return DECODED.get(labels);
}

function decoded(labels: OwnLabels): StateLabels | undefined {
  const text = (key: keyof StateLabels): string | undefined => labels[LABELS[key]] || undefined;
  const role = ROLES.find((known) => known === text('role'));
  const slot = text('slot');
  if (role === undefined || slot === undefined) return undefined;
  return {
    role,
    slot,
    service: text('service') ?? slot,
    roll: text('roll') ?? '',
    at: text('at') ?? '',
    generation: count(text('generation')),
    follows: text('follows') ?? '',
    image: text('image') ?? '',
    digest: text('digest'),
    strategy: strategyOf(text('strategy')),
    replaces: text('replaces'),
    predecessors: lines(parsed(text('predecessors'))),
    // A tag is only ever put back to an id, never to what another name means.
    tagBefore: imageIdOf(text('tagBefore')),
    imageBefore: imageIdOf(text('imageBefore')),
    userSet: userSetOf(parsed(text('userSet'))),
    saves: lines(parsed(text('saves'))),
    fillFrom: text('fillFrom'),
    copies: copiesOf(parsed(text('copies'))),
    history: historyOf(parsed(text('history'))),
    failure: failureOf(parsed(text('failure'))),
    holder: text('holder'),
    incumbents: lines(parsed(text('incumbents'))),
    group: text('group'),
    base: text('base'),
  };
}

function imageIdOf(text: string | undefined): string | undefined {
  return text !== undefined && isImageId(text) ? text : undefined;
}

function strategyOf(text: string | undefined): Strategy | undefined {
  return STRATEGIES.find((strategy) => strategy === text);
}

// Whether it is one that this version understands is asked where it is used (isUserSet).
function userSetOf(value: unknown): UserSet | undefined {
  return typeof value === 'object' && value !== null ? (value as UserSet) : undefined;
}

function historyOf(value: unknown): HistoryEntry[] {
  return Array.isArray(value) ? value.filter(isHistoryEntry) : [];
}

function isHistoryEntry(value: unknown): value is HistoryEntry {
  const { at, follows, id, event, roll = '' } = record(value);
  return (
    [at, follows, id, roll].every(isText) && (event === 'started' || event === 'rolled' || event === 'rolled-back')
  );
}

function copiesOf(value: unknown): VolumeCopy[] {
  return Array.isArray(value) ? value.filter(isVolumeCopy) : [];
}

function isVolumeCopy(value: unknown): value is VolumeCopy {
  const { volume, copy, bytes, files } = record(value);
  return [volume, copy].every(isText) && [bytes, files].every((number) => Number.isSafeInteger(number));
}

function failureOf(value: unknown): FailureNote | undefined {
  const { code, reason, health, log, tries } = record(value);
  if (!isText(code) || !isText(reason)) return undefined;
  // A newer version may know more of them; a failure it is all the same.
  const known = isErrorCode(code) ? code : 'not-healthy';
  const times = Number.isSafeInteger(tries) && Number(tries) > 1 ? { tries: Number(tries) } : {};
  return { code: known, reason, health: lines(health), log: lines(log), ...times };
}

function lines(value: unknown): string[] {
  return Array.isArray(value) ? value.filter(isText) : [];
}

function count(text: string | undefined): number {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : 0;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function kebab(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
