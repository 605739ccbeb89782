import { type ErrorCode, isErrorCode } from '../model/error.ts';
import { STATE } from '../model/label-keys.ts';
import type { OwnLabels } from '../model/own-labels.ts';
import { isImageId } from '../model/reference.ts';
import { STRATEGIES, type Strategy } from '../model/strategy.ts';
import type { UserSet } from '../recreate/user-set.ts';

/**
 * The role of a container that swapctl made: a replica that serves or will, an inert helper, or the helper that rolls swapctl's
 * own container.
 */
export type Role =
  | 'replica'
  | 'rehearsal'
  | 'stand-in'
  | 'failed'
  | 'lock'
  | 'helper'
  | 'backup'
  | 'copying'
  | 'one-shot';

const ROLES: readonly Role[] = [
  'replica',
  'rehearsal',
  'stand-in',
  'failed',
  'lock',
  'helper',
  'backup',
  'copying',
  'one-shot',
];

/** One earlier image of a slot. `at` is ISO 8601. */
export interface HistoryEntry {
  readonly at: string;
  readonly follows: string;
  readonly id: string;
  readonly digest?: string | undefined;
  readonly event: 'started' | 'rolled' | 'rolled-back';
  /** The roll that brought it; absent if none did. */
  readonly roll?: string | undefined;
}

/** All the data that swapctl writes into the labels of a container that it creates. */
export interface StateLabels {
  readonly role: Role;
  readonly service: string;
  /** The slot, by its permanent container name. */
  readonly slot: string;
  readonly roll: string;
  readonly at: string;
  readonly generation: number;
  readonly follows: string;
  readonly image: string;
  readonly digest: string | undefined;
  readonly strategy: Strategy | undefined;
  /** Id of the container that it replaces. */
  readonly replaces: string | undefined;
  /** Ids of containers that served the slot earlier, as long as other containers still name them. */
  readonly predecessors: readonly string[];
  /** The image id that the tracked reference named before the roll, to restore the tag. */
  readonly tagBefore: string | undefined;
  /** Id of the image that the replaced container ran. */
  readonly imageBefore: string | undefined;
  readonly userSet: UserSet | undefined;
  /** Volumes to back up before it starts (role `replica`). */
  readonly saves: readonly string[];
  /** The roll whose backup is restored into its volumes before it starts (role `replica`). */
  readonly fillFrom: string | undefined;
  /** The backed-up volumes (role `backup`), or those to back up (`copying`). */
  readonly copies: readonly VolumeCopy[];
  readonly history: readonly HistoryEntry[];
  /** Why an image failed here (role `failed`). */
  readonly failure: FailureNote | undefined;
  /** The process that holds the lock (role `lock`). */
  readonly holder: string | undefined;
  /** Ids of the containers that the holder may rename (role `lock`). */
  readonly incumbents: readonly string[];
  /** The group of hosts whose roll took the lock (role `lock`). */
  readonly group: string | undefined;
  /** Id of the image that it was created from. */
  readonly base: string | undefined;
}

/** A volume, and the volume that holds its backup. */
export interface VolumeCopy {
  readonly volume: string;
  readonly copy: string;
  /** The size of its regular files, and the number of files and folders; 0 if not known yet. */
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
  /** The number of such failures in a row; absent: one. */
  readonly tries?: number;
  readonly reason: string;
  readonly health: readonly string[];
  readonly log: readonly string[];
}

/** Writes all state labels, with empty values for absent parts, so that no label of an image takes effect. */
export function encodeState(state: StateNote): Record<string, string> {
  const said = Object.entries(state).flatMap(([key, value]) =>
    value === undefined ? [] : [[LABELS[key as keyof StateLabels] ?? STATE + kebab(key), value]],
  );
  const texts = said.map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)]);
  return { ...NOTHING_SAID, [`${STATE}version`]: '1', ...Object.fromEntries(texts) };
}

// Complete by type: a new label is a line here.
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

/** The label of all objects that swapctl made for one role, as a filter of the engine. */
export function roleLabel(role: Role): string {
  return `${LABELS.role}=${role}`;
}

/** The label of all objects that swapctl made for a slot, as a filter of the engine. */
export function slotLabel(slotName: string): string {
  return `${STATE}slot=${slotName}`;
}

// One observation asks for the state of the same container many times. Its labels never change, so decode them once.
const DECODED = new WeakMap<OwnLabels, StateLabels | undefined>();

/** Reads state labels; undefined if swapctl did not make the container. Damaged values count as absent. */
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
    // A tag moves back only to an id, never to the target of another name.
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

// The user of the value checks that this version understands it (isUserSet).
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
  // A newer version may know more codes; the image failed all the same.
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
