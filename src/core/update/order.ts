import { fail } from '../model/error.ts';
import { COMPOSE_DEPENDS_ON, COMPOSE_PROJECT } from '../model/label-keys.ts';
import type { OwnLabels } from '../model/own-labels.ts';
import { nearest } from '../text/suggest.ts';

/** A service and the services to roll before it, by their keys. */
export interface Dependent {
  readonly key: string;
  readonly dependsOn: readonly string[];
  /** Those of `dependsOn` that only have the same tag. */
  readonly sameTag?: readonly string[];
}

/**
 * The keys of the services that one depends on: those of `swapctl.depends-on` (`named`; a short name means the same compose
 * project first) and those of compose's label (`db:service_healthy:true,cache:service_started:false`). A missing service of
 * compose was left out on purpose; a missing or ambiguous name of the user raises `config`.
 */
export function dependenciesOf(
  key: string,
  named: readonly string[],
  labels: OwnLabels,
  keys: readonly string[],
): string[] {
  const project = labels[COMPOSE_PROJECT];
  const composed = (labels[COMPOSE_DEPENDS_ON] ?? '').split(',').map((entry) => entry.split(':')[0] ?? '');
  const inProject = composed.map((service) => `${project}/${service}`).filter((other) => keys.includes(other));
  const found = [...named.map((name) => keyOf(name, key, project, keys)), ...inProject];
  return [...new Set(found)];
}

/**
 * Services in the order of their rolls: each after its dependencies, otherwise in the given order. A dependency outside the list
 * counts as done. Raises `config` for a dependency cycle.
 */
export function rollOrder<T extends Dependent>(services: readonly T[]): T[] {
  const byKey = new Map(services.map((service) => [service.key, service]));
  const ordered = new Set<T>();
  const visit = (service: T, trail: readonly string[]): void => {
    if (ordered.has(service)) return;
    const at = trail.indexOf(service.key);
    if (at >= 0) refuseCircle([...trail.slice(at), service.key]);
    for (const key of service.dependsOn) {
      const dependency = byKey.get(key);
      if (dependency) visit(dependency, [...trail, service.key]);
    }
    ordered.add(service);
  };
  for (const service of services) visit(service, []);
  return [...ordered];
}

/**
 * The services to hold back because a dependency failed (`failed` holds a clause such as `whose roll failed`), each with the
 * reason in one sentence, without the failed services themselves. For services without a cycle.
 */
export function heldBack(services: readonly Dependent[], failed: ReadonlyMap<string, string>): Map<string, string> {
  const held = new Map<string, string>();
  for (const { key, dependsOn, sameTag = [] } of rollOrder(services)) {
    if (failed.has(key)) continue;
    const tie = (other: string): string =>
      sameTag.includes(other) ? `it has the same tag as ${other}` : `it depends on ${other}`;
    const culprit = dependsOn.find((other) => failed.has(other));
    const link = dependsOn.find((other) => held.has(other));
    if (culprit !== undefined) held.set(key, `${tie(culprit)}, ${failed.get(culprit)}`);
    else if (link !== undefined) held.set(key, `${tie(link)}, which is held back: ${held.get(link)}`);
  }
  return held;
}

/** The progress of a run: the keys of services that are rolled, that failed, and that are being rolled. */
export interface RollsSoFar {
  readonly done: ReadonlySet<string>;
  readonly failed: ReadonlySet<string>;
  readonly running: ReadonlySet<string>;
}

/**
 * The services that may be rolled now: all their dependencies are done (or not in the list), and at most `atOnce` are rolled at
 * the same time. Empty if only held-back services remain.
 */
export function startable<T extends Dependent>(services: readonly T[], sofar: RollsSoFar, atOnce: number): T[] {
  const { done, failed, running } = sofar;
  const among = new Set(services.map(({ key }) => key));
  const begun = (key: string): boolean => done.has(key) || failed.has(key) || running.has(key);
  const ready = rollOrder(services).filter(
    ({ key, dependsOn }) => !begun(key) && dependsOn.every((other) => done.has(other) || !among.has(other)),
  );
  return ready.slice(0, Math.max(0, atOnce - running.size));
}

function keyOf(name: string, key: string, project: string | undefined, keys: readonly string[]): string {
  const exact = [`${project}/${name}`, name].find((candidate) => keys.includes(candidate));
  const composed = keys.filter((candidate) => candidate.endsWith(`/${name}`));
  const [only] = composed;
  if (exact !== undefined) return exact;
  if (only !== undefined && composed.length === 1) return only;
  const hint = composed.length > 1 ? `say which: ${composed.join(', ')}` : notThere(name, keys);
  const what = composed.length > 1 ? `names ${composed.length} services` : 'is no service of this engine';
  return fail('config', `depends-on of ${key}: ${name} ${what}`, { hint });
}

function notThere(name: string, keys: readonly string[]): string {
  const short = keys.map((key) => key.slice(key.lastIndexOf('/') + 1));
  const near = nearest([...keys, ...short], name);
  return near ? `did you mean ${near}?` : 'start it, or take its name out';
}

function refuseCircle(circle: readonly string[]): never {
  return fail('config', `services depend on each other in a circle: ${circle.join(' → ')}`, {
    hint: 'take one of them out of depends-on (swapctl.depends-on, swapctl.yml or compose)',
  });
}
