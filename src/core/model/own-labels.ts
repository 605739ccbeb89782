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

/** Labels as the engine tells them, whoever set them. */
export type Labels = Readonly<Record<string, string>>;

/**
 * The labels of a container that its image did not bring: the only ones that may steer swapctl. Only `ownLabels` makes them, so
 * that nothing that takes them can be given what an image says.
 */
export type OwnLabels = Labels & { readonly [OWN]: true; readonly [DOUBTED]?: Labels };

/** A container (or volume, which has no image) as far as it tells whose its labels are. */
export interface Labelled {
  readonly name: string;
  readonly imageId: string;
  readonly labels: Labels;
}

/**
 * The labels of a container without those that came with its image: a label is the image's if key and value are (T2).
 * `inherited`: the labels of that image; undefined where it is gone, so that only some labels prove by themselves whose they are.
 */
export function ownLabels(one: Labelled, inherited: Labels | undefined): OwnLabels {
  if (inherited !== undefined) return pick(one.labels, notInherited(one.labels, inherited)) as OwnLabels;
  const own = pick(one.labels, provenKeys(one)) as OwnLabels;
  return isSealed(one) ? own : { ...own, [DOUBTED]: pick(one.labels, [...IN_DOUBT]) };
}

/** A container's own labels, which are the same as long as it has its name and its image is known as it was. */
export interface OwnedLabels {
  readonly name: string;
  readonly inherited: Labels | undefined;
  readonly own: OwnLabels;
}

/** The same, from what was read before where that still counts: every look reads the labels of all containers of a host. */
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
 * Settings that are none of the own labels, since the image is gone and they may be its: they count only if they make swapctl more
 * careful. Undefined where it is certain whose the labels are; else the settings among the own labels are in doubt, too.
 */
export function doubtedOf(own: OwnLabels): Labels | undefined {
  return own[DOUBTED];
}

/** Of what has none. */
export const NO_LABELS = {} as OwnLabels;

/**
 * Whether compose made the container. An image that compose built names its project and service too, and all that is created from
 * it inherits that; only a container that compose made has a number and a hash of its own.
 */
export function isComposed(own: OwnLabels): boolean {
  return own[COMPOSE_NUMBER] !== undefined || own[COMPOSE_HASH] !== undefined;
}

/** Whether swapctl's labels are certainly not the image's, whatever is known of that one. */
export function isSealed({ labels, imageId }: Labelled): boolean {
  return imageId !== '' && labels[STATE_BASE] === imageId;
}

/** What compose writes on images that it builds as well as on containers. */
const SHARED = [COMPOSE_PROJECT, COMPOSE_SERVICE, COMPOSE_NUMBER];

function notInherited(labels: Labels, inherited: Labels): string[] {
  const own = Object.keys(labels).filter((key) => inherited[key] !== labels[key]);
  const composed = own.includes(COMPOSE_NUMBER) || own.includes(COMPOSE_HASH);
  return composed ? [...own, ...SHARED] : own;
}

// Whoever can set labels on a container can name it too, which no image can.
function provenKeys(one: Labelled): string[] {
  const keys = Object.keys(one.labels);
  if (isSealed(one)) {
    const set = userSetLabels(one.labels);
    return keys.filter((key) => isStateLabel(key) || set.includes(key));
  }
  const composed = isNamedByCompose(one);
  return keys.filter((key) => {
    if (isStateLabel(key) || IN_DOUBT.has(key)) return false;
    // That it is a job only keeps it from being rolled, and compose run names a job as it likes.
    if (key === COMPOSE_ONEOFF) return true;
    if (isComposeLabel(key)) return composed;
    return key !== SWARM_TASK || isNamedBySwarm(one);
  });
}

/** Settings that delete, build, read this machine, reach other containers or give up a safeguard: in doubt they are not the user's. */
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
