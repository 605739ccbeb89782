import type { ContainerSummary } from '../model/container.ts';
import { SwapError } from '../model/error.ts';
import { COMPOSE_DEPENDS_ON, COMPOSE_PROJECT, COMPOSE_SERVICE } from '../model/label-keys.ts';
import { isComposed, type Labels, type OwnLabels } from '../model/own-labels.ts';
import { rollOrder } from '../update/order.ts';
import { whyManaged } from './managed.ts';

/** One entry of `depends_on` in a compose file, in the form of compose's label: `db:service_healthy:true`. */
export interface ComposeDependency {
  readonly service: string;
  /** Empty in labels of old versions of compose, which held names only. */
  readonly condition: string;
  /** True: compose restarts the dependent after it has replaced the dependency. */
  readonly restart: boolean;
}

export function composeDependencies(labels: Labels): ComposeDependency[] {
  const entries = (labels[COMPOSE_DEPENDS_ON] ?? '').split(',').filter(Boolean);
  return entries.map((entry) => {
    const [service = '', condition = '', restart = ''] = entry.split(':');
    return { service, condition, restart: restart === 'true' };
  });
}

/** The services that compose restarts after a replacement of another one, dependencies first. */
export interface RestartedService {
  readonly key: string;
  /** Running containers, by name. */
  readonly containers: readonly ContainerSummary[];
}

/**
 * The running services whose `depends_on` names the service with `restart: true`. As with `docker compose up`, dependents of a
 * restarted service are not among them.
 */
export function restartedAfter(key: string, all: readonly ContainerSummary[]): RestartedService[] {
  const found = new Map<string, ContainerSummary[]>();
  for (const container of [...all].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const own = composeKey(container.labels);
    if (own === undefined || own === key || !isRestartable(container) || !restartsAfter(container.labels, key))
      continue;
    found.set(own, [...(found.get(own) ?? []), container]);
  }
  return inOrder([...found].map(([own, containers]) => ({ key: own, containers })));
}

function isRestartable(container: ContainerSummary): boolean {
  return container.status === 'running' && whyManaged(container) === undefined;
}

function restartsAfter(labels: OwnLabels, key: string): boolean {
  return dependedOn(labels).some((one) => one.restart && one.key === key);
}

/** The dependencies of a container, each with its key (`project/service`). */
export function dependedOn(labels: OwnLabels): (ComposeDependency & { readonly key: string })[] {
  const project = labels[COMPOSE_PROJECT];
  return composeDependencies(labels).map((one) => ({ ...one, key: `${project}/${one.service}` }));
}

/** `project/service` of a container that compose made; undefined for any other. */
export function composeKey(labels: OwnLabels): string | undefined {
  const { [COMPOSE_PROJECT]: project, [COMPOSE_SERVICE]: service } = labels;
  return project && service && isComposed(labels) ? `${project}/${service}` : undefined;
}

// Compose refuses cycles; labels that contain one leave the order unchanged.
function inOrder(services: readonly RestartedService[]): RestartedService[] {
  const dependents = services.map((one) => ({
    ...one,
    dependsOn: one.containers.flatMap(({ labels }) => dependedOn(labels).map(({ key }) => key)),
  }));
  try {
    return rollOrder(dependents).map(({ key, containers }) => ({ key, containers }));
  } catch (raised) {
    if (raised instanceof SwapError) return [...services];
    throw raised;
  }
}
