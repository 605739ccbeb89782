import { type ErrorCode, isErrorCode } from './error.ts';
import type { UserSet } from './recreate/user-set.ts';
import { WAYS, type Way } from './way.ts';

/** Labels that swapctl writes. They are fixed at creation, so they hold only what is true then. */
const STATE = 'swapctl.state.';

export const COMPOSE_PROJECT = 'com.docker.compose.project';
export const COMPOSE_SERVICE = 'com.docker.compose.service';
export const COMPOSE_NUMBER = 'com.docker.compose.container-number';
export const COMPOSE_ONEOFF = 'com.docker.compose.oneoff';
export const COMPOSE_IMAGE = 'com.docker.compose.image';
export const COMPOSE_HASH = 'com.docker.compose.config-hash';
export const COMPOSE_FOLDER = 'com.docker.compose.project.working_dir';
export const COMPOSE_ENV_FILES = 'com.docker.compose.project.environment_file';
export const COMPOSE_REPLACE = 'com.docker.compose.replace';
export const COMPOSE_FILES = 'com.docker.compose.project.config_files';
export const SWARM_TASK = 'com.docker.swarm.task.id';

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
  readonly way: Way | undefined;
  /** Id of the container that it takes the place of. */
  readonly replaces: string | undefined;
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
  readonly reason: string;
  readonly health: readonly string[];
  readonly log: readonly string[];
}

/** Writes state labels; what is undefined is left out. */
export function encodeState(state: StateNote): Record<string, string> {
  const labels: Record<string, string> = { [`${STATE}version`]: '1' };
  for (const [key, value] of Object.entries(state)) {
    if (value !== undefined) labels[STATE + kebab(key)] = typeof value === 'string' ? value : JSON.stringify(value);
  }
  return labels;
}

/** The label of everything that swapctl made for a slot, as filters of the engine have it. */
export function slotLabel(home: string): string {
  return `${STATE}slot=${home}`;
}

/** Reads state labels; undefined where the container is not one of swapctl's. Damaged values count as absent. */
export function decodeState(labels: Readonly<Record<string, string>>): StateLabels | undefined {
  const text = (key: string): string | undefined => labels[`${STATE}${key}`];
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
    way: wayOf(text('way')),
    replaces: text('replaces'),
    tagBefore: text('tag-before'),
    imageBefore: text('image-before'),
    userSet: userSetOf(parsed(text('user-set'))),
    saves: lines(parsed(text('saves'))),
    fillFrom: text('fill-from'),
    copies: copiesOf(parsed(text('copies'))),
    history: historyOf(parsed(text('history'))),
    failure: failureOf(parsed(text('failure'))),
    holder: text('holder'),
  };
}

/** Whether the key is one of those that swapctl writes, and so must not be copied from one container to the next. */
export function isStateLabel(key: string): boolean {
  return key.startsWith(STATE);
}

/**
 * Whether compose made the container. An image that compose built names its project and service too, and all that is
 * created from it inherits that; only a replica has a number.
 */
export function isComposed(labels: Readonly<Record<string, string>> | null | undefined): boolean {
  return labels?.[COMPOSE_NUMBER] !== undefined;
}

/** Whether a label came from compose. */
export function isComposeLabel(key: string): boolean {
  return key.startsWith('com.docker.compose.');
}

function wayOf(text: string | undefined): Way | undefined {
  return WAYS.find((way) => way === text);
}

// Whether it is one that this version understands is asked where it is used (isUserSet).
function userSetOf(value: unknown): UserSet | undefined {
  return typeof value === 'object' && value !== null ? (value as UserSet) : undefined;
}

function historyOf(value: unknown): HistoryEntry[] {
  return Array.isArray(value) ? value.filter(isHistoryEntry) : [];
}

function isHistoryEntry(value: unknown): value is HistoryEntry {
  const { at, follows, id, event } = record(value);
  return [at, follows, id].every(isText) && (event === 'started' || event === 'rolled' || event === 'rolled-back');
}

function copiesOf(value: unknown): VolumeCopy[] {
  return Array.isArray(value) ? value.filter(isVolumeCopy) : [];
}

function isVolumeCopy(value: unknown): value is VolumeCopy {
  const { volume, copy, bytes, files } = record(value);
  return [volume, copy].every(isText) && [bytes, files].every((number) => Number.isSafeInteger(number));
}

function failureOf(value: unknown): FailureNote | undefined {
  const { code, reason, health, log } = record(value);
  if (!isText(code) || !isText(reason)) return undefined;
  // A newer version may know more of them; a failure it is all the same.
  return { code: isErrorCode(code) ? code : 'not-healthy', reason, health: lines(health), log: lines(log) };
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
