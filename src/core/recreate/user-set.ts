import type { ContainerConfig, HealthConfig } from '../model/container.ts';
import { COMPOSE_NUMBER, isComposeLabel } from '../model/label-keys.ts';
import { ownLabels } from '../model/own-labels.ts';

/**
 * The parts of a container's config that its user set, rather than the image. The engine merges the two at creation and forgets
 * the origin (moby `daemon/commit.go`, merge), so swapctl works it out once and keeps it in a label. Names only, no values:
 * monitoring tools export labels, and environments hold secrets.
 */
export interface UserSet {
  readonly env: readonly string[];
  readonly labels: readonly string[];
  readonly ports: readonly string[];
  readonly volumes: readonly string[];
  readonly health: readonly (keyof HealthConfig)[];
  readonly scalars: readonly Scalar[];
}

/** Fields that a container inherits as a whole. */
const SCALARS = ['Cmd', 'Entrypoint', 'User', 'WorkingDir', 'StopSignal'] as const;
type Scalar = (typeof SCALARS)[number];

const HEALTH_FIELDS = ['Test', 'Interval', 'Timeout', 'StartPeriod', 'StartInterval', 'Retries'] as const;

/** Works out the user-set part by subtracting the config of the image that the container was created from. */
export function subtractImage(container: ContainerConfig, image: ContainerConfig): UserSet {
  const imageEnv = new Set(image.Env ?? []);
  // Compose puts some labels on images that it builds as well; the next image may lack them.
  const own = ownLabels({ name: '', imageId: '', labels: container.Labels ?? {} }, image.Labels ?? {});
  return {
    env: (container.Env ?? []).filter((pair) => !imageEnv.has(pair)).map(envName),
    labels: Object.keys(own),
    ports: keysNotIn(container.ExposedPorts, image.ExposedPorts),
    volumes: keysNotIn(container.Volumes, image.Volumes),
    health: userHealth(container.Healthcheck ?? {}, image.Healthcheck ?? {}),
    scalars: userScalars(container, image),
  };
}

/**
 * The same if the image is gone: containerd's image store drops an image as soon as a build takes its tag. The next image serves
 * as the model, since builds of the same thing differ little; the result names the fields that remain uncertain.
 */
export function guessUserSet(
  container: ContainerConfig,
  next: ContainerConfig,
): { readonly set: UserSet } | { readonly unclear: readonly string[] } {
  const set = subtractImage(container, next);
  const env = envOf(container, next);
  const health = set.health.length > 0 ? ['HEALTHCHECK'] : [];
  const unclear = [...env.unclear.map((name) => `the variable ${name}`), ...set.scalars, ...health];
  if (unclear.length > 0) return { unclear };
  const labels = labelsOf(container, next);
  return { set: { ...set, env: env.user, labels } };
}

// Compose puts some labels on images that it builds as well, but a number only on containers.
function labelsOf({ Labels: labels }: ContainerConfig, { Labels: brought }: ContainerConfig): string[] {
  const composed = labels?.[COMPOSE_NUMBER] !== undefined;
  return Object.entries(labels ?? {}).flatMap(([key, value]) => {
    const isOwn = isComposeLabel(key) ? composed || brought?.[key] !== value : brought?.[key] === undefined;
    return isOwn ? [key] : [];
  });
}

// The engine puts the user's variables before the image's, so a variable that the next image has too is the image's, unless a
// variable that must be the user's follows it: then either may have set it.
function envOf(container: ContainerConfig, next: ContainerConfig): { user: string[]; unclear: string[] } {
  const brought = new Map((next.Env ?? []).map((pair) => [envName(pair), pair]));
  const pairs = container.Env ?? [];
  const lastOwn = pairs.findLastIndex((pair) => !brought.has(envName(pair)));
  const unclear = pairs.slice(0, lastOwn + 1).filter((pair) => ![undefined, pair].includes(brought.get(envName(pair))));
  return {
    user: pairs.map(envName).filter((name) => !brought.has(name)),
    unclear: unclear.map(envName),
  };
}

/** The config to create with: the user-set fields of the container, without those of its image. */
export function userConfig(container: ContainerConfig, set: UserSet): ContainerConfig {
  const config: ContainerConfig = { ...container };
  for (const field of SCALARS) if (!set.scalars.includes(field)) delete config[field];
  // `--entrypoint ""` leaves the same config as no entrypoint; repeat it, or the image's entrypoint comes back.
  if (set.scalars.includes('Entrypoint') && isEmpty(container.Entrypoint)) config.Entrypoint = [''];
  const env = new Set(set.env);
  config.Env = (container.Env ?? []).filter((pair) => env.has(envName(pair)));
  config.Labels = pick(container.Labels, set.labels);
  config.ExposedPorts = pick(container.ExposedPorts, set.ports);
  config.Volumes = pick(container.Volumes, set.volumes);
  delete config.Healthcheck;
  if (set.health.length > 0) config.Healthcheck = pick(container.Healthcheck as Record<string, unknown>, set.health);
  return config;
}

/** Reads a stored user-set part; undefined for anything else (a newer or damaged label). */
export function isUserSet(value: unknown): value is UserSet {
  const set = value as UserSet | undefined;
  const lists = [set?.env, set?.labels, set?.ports, set?.volumes, set?.health, set?.scalars];
  return lists.every((list) => Array.isArray(list) && list.every((name) => typeof name === 'string'));
}

function userScalars(container: ContainerConfig, image: ContainerConfig): Scalar[] {
  const differing = SCALARS.filter((field) => !sameValue(container[field], image[field]));
  // The image's command counts only if the user set no entrypoint, so beside a user's entrypoint even an equal
  // command is the user's.
  if (differing.includes('Entrypoint') && !differing.includes('Cmd') && !isEmpty(container.Cmd)) differing.push('Cmd');
  // For the same reason a missing command shows that the entrypoint is the user's, even if it is equal.
  if (isEmpty(container.Cmd) && !isEmpty(image.Cmd) && !differing.includes('Entrypoint')) differing.push('Entrypoint');
  return differing;
}

function userHealth(container: HealthConfig, image: HealthConfig): (keyof HealthConfig)[] {
  return HEALTH_FIELDS.filter((field) => !isEmpty(container[field]) && !sameValue(container[field], image[field]));
}

function sameValue(a: unknown, b: unknown): boolean {
  if (isEmpty(a) && isEmpty(b)) return true;
  return JSON.stringify(a) === JSON.stringify(b);
}

// From API 1.52 empty fields of an image are left out; absent, null, '', 0 and [] all mean "not set" (T4).
function isEmpty(value: unknown): boolean {
  return (
    value === undefined || value === null || value === '' || value === 0 || (Array.isArray(value) && value.length === 0)
  );
}

function envName(pair: string): string {
  const at = pair.indexOf('=');
  return at < 0 ? pair : pair.slice(0, at);
}

function keysNotIn(
  all: Record<string, unknown> | null | undefined,
  some: Record<string, unknown> | null | undefined,
): string[] {
  return Object.keys(all ?? {}).filter((key) => !(key in (some ?? {})));
}

function pick<T>(source: Record<string, T> | null | undefined, keys: readonly string[]): Record<string, T> {
  return Object.fromEntries(Object.entries(source ?? {}).filter(([key]) => keys.includes(key)));
}
