import {
  COMPOSE_HASH,
  COMPOSE_NUMBER,
  COMPOSE_ONEOFF,
  COMPOSE_PROJECT,
  COMPOSE_SERVICE,
  isComposeLabel,
  isStateLabel,
  STATE,
  STATE_BASE,
  SWARM_TASK,
} from './label-keys.ts';

declare const OWN: unique symbol;
const DOUBTED: unique symbol = Symbol('doubted');

/** Labels as the engine shows them, from any source. */
export type Labels = Readonly<Record<string, string>>;

/**
 * The labels of a container that did not come from its image: only these may steer swapctl. Only `ownLabels` makes them, so the
 * type keeps the labels of an image out.
 */
export type OwnLabels = Labels & { readonly [OWN]: true; readonly [DOUBTED]?: Labels };

/** The fields of a container (or of a volume, which has no image) that show the origin of its labels. */
export interface Labelled {
  readonly name: string;
  readonly imageId: string;
  readonly labels: Labels;
}

/**
 * The labels of a container without those of its image: a label is the image's if key and value match (T2). `inherited`: the
 * labels of that image; undefined if the image is gone, so that only some labels prove their origin.
 */
export function ownLabels(one: Labelled, inherited: Labels | undefined): OwnLabels {
  if (inherited !== undefined) return pick(one.labels, notInherited(one.labels, inherited)) as OwnLabels;
  const own = pick(one.labels, provenKeys(one)) as OwnLabels;
  return isSealed(one) ? own : { ...own, [DOUBTED]: pick(one.labels, [...IN_DOUBT]) };
}

/** A container's own labels, valid as long as its name and the labels of its image stay the same. */
export interface OwnedLabels {
  readonly name: string;
  readonly inherited: Labels | undefined;
  readonly own: OwnLabels;
}

/** The same, from an earlier observation if that is still valid: every observation reads the labels of all containers of a host. */
export function owned(one: Labelled, inherited: Labels | undefined, before: OwnedLabels | undefined): OwnedLabels {
  if (before && before.name === one.name && before.inherited === inherited) return before;
  return { name: one.name, inherited, own: ownLabels(one, inherited) };
}

/** Some of a container's own labels. */
export function narrowed(own: OwnLabels, keys: readonly string[]): OwnLabels {
  const doubted = own[DOUBTED];
  return { ...pick(own, keys), ...(doubted && { [DOUBTED]: pick(doubted, keys) }) } as OwnLabels;
}

/**
 * Settings that may be the image's, since the image is gone: they count only if they make swapctl more careful. Undefined if the
 * origin of all labels is certain; else the settings among the own labels are in doubt, too.
 */
export function doubtedOf(own: OwnLabels): Labels | undefined {
  return own[DOUBTED];
}

/** For an object without labels. */
export const NO_LABELS = {} as OwnLabels;

/**
 * True: compose made the container. An image that compose built also names its project and service, and every container of it
 * inherits these labels; only a container that compose made has a number and a hash of its own.
 */
export function isComposed(own: OwnLabels): boolean {
  return own[COMPOSE_NUMBER] !== undefined || own[COMPOSE_HASH] !== undefined;
}

/** True if swapctl's labels are certainly not the image's, even if the image is unknown. */
export function isSealed({ labels, imageId }: Labelled): boolean {
  return imageId !== '' && labels[STATE_BASE] === imageId;
}

/** Compose writes these labels on the images that it builds as well as on containers. */
const SHARED = [COMPOSE_PROJECT, COMPOSE_SERVICE, COMPOSE_NUMBER];

function notInherited(labels: Labels, inherited: Labels): string[] {
  const own = Object.keys(labels).filter((key) => inherited[key] !== labels[key]);
  const composed = own.includes(COMPOSE_NUMBER) || own.includes(COMPOSE_HASH);
  return composed ? [...own, ...SHARED] : own;
}

// A user who can set labels on a container can name the container too; no image can.
function provenKeys(one: Labelled): string[] {
  const keys = Object.keys(one.labels);
  if (isSealed(one)) {
    const set = userSetLabels(one.labels);
    return keys.filter((key) => isStateLabel(key) || set.includes(key));
  }
  const composed = isNamedByCompose(one);
  return keys.filter((key) => {
    if (isStateLabel(key) || IN_DOUBT.has(key)) return false;
    // A one-off label only keeps the container from being rolled, and compose run names such a container freely.
    if (key === COMPOSE_ONEOFF) return true;
    if (isComposeLabel(key)) return composed;
    return key !== SWARM_TASK || isNamedBySwarm(one);
  });
}

/**
 * Settings that delete, build, read this machine, reach other containers or give up a safeguard: if in doubt, they are not the
 * user's.
 */
const IN_DOUBT: ReadonlySet<string> = new Set(
  [
    'keep',
    'backup.keep',
    'backup.eraser',
    'build.git',
    'dev.watch',
    'volumes',
    'strategy',
    'rehearsal',
    'gate',
    'health.ports',
    'on-switch',
    'on-switch.failure',
    'hooks.from',
    'proxy',
    'proxy.route',
    'proxy.port',
    'proxy.hold',
    'proxy.allow',
  ].map((key) => `swapctl.${key}`),
);

function isNamedByCompose({ name, labels }: Labelled): boolean {
  const parts = SHARED.map((key) => labels[key]);
  return !parts.includes(undefined) && ['-', '_'].some((separator) => parts.join(separator) === name);
}

function isNamedBySwarm({ name, labels }: Labelled): boolean {
  return name.endsWith(`.${labels[SWARM_TASK]}`);
}

function userSetLabels(labels: Labels): unknown[] {
  try {
    const { labels: keys } = JSON.parse(labels[`${STATE}user-set`] ?? '') as { labels?: unknown };
    return Array.isArray(keys) ? keys : [];
  } catch {
    return [];
  }
}

function pick(labels: Labels, keys: readonly string[]): Labels {
  const picked: Record<string, string> = {};
  for (const key of keys) {
    const value = labels[key];
    if (value !== undefined) picked[key] = value;
  }
  return picked;
}
