import type { ContainerSummary } from '../../core/container.ts';
import { groupServices, type Service } from '../../core/service.ts';
import type { Ports } from '../../ports.ts';
import { isLinked, namespaceOwners } from '../observe.ts';

/**
 * The services in whose namespaces a service's containers live, or that they are linked to: a roll of these re-creates them
 * (moveDependents), so that both must not be rolled at the same time.
 */
export async function tiedTo(ports: Ports, service: Service, all: readonly ContainerSummary[]): Promise<string[]> {
  const members = service.slots.flatMap((slot) => slot.members);
  const containers = await Promise.all(members.map(({ id }) => ports.engine.container(id)));
  const there = containers.filter((container) => container !== undefined);
  const owners = there.flatMap(namespaceOwners);
  const isOwner = ({ id, name }: ContainerSummary): boolean =>
    owners.includes(id) || owners.includes(name) || there.some((container) => isLinked(container, name));
  return groupServices(all)
    .filter(({ key, slots }) => key !== service.key && slots.some((slot) => slot.members.some(isOwner)))
    .map(({ key }) => key);
}
