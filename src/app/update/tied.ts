import type { ContainerSummary } from '../../core/model/container.ts';
import { means, referencesOf } from '../../core/model/references.ts';
import { groupServices, type Service } from '../../core/service/service.ts';
import type { Ports } from '../../ports/ports.ts';

/**
 * The services whose containers a service's containers refer to: a roll of these re-creates them (moveDependents), or changes an
 * id that they are created with, so both must not be rolled at the same time.
 */
export async function tiedTo(ports: Ports, service: Service, all: readonly ContainerSummary[]): Promise<string[]> {
  const members = service.slots.flatMap((slot) => slot.members);
  const containers = await Promise.all(members.map(({ id }) => ports.engine.container(id)));
  const there = containers.filter((container) => container !== undefined);
  const owners = there.flatMap(referencesOf);
  const isOwner = (one: ContainerSummary): boolean => owners.some(({ to }) => means(to, one));
  return groupServices(all)
    .filter(({ key, slots }) => key !== service.key && slots.some((slot) => slot.members.some(isOwner)))
    .map(({ key }) => key);
}
