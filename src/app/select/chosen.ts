import type { ContainerSummary } from '../../core/model/container.ts';
import { fail } from '../../core/model/error.ts';
import { findService, groupServices, type Service, whyNotRollable } from '../../core/service/service.ts';

/** The services that a user named, from the existing and some more, without duplicates. Raises `not-found` and `ambiguous`. */
export function chosenOf(
  all: readonly ContainerSummary[],
  selectors: readonly string[],
  more: readonly Service[] = [],
): Service[] {
  const services = [...groupServices(all), ...more];
  const chosen = selectors.map((selector) => findService(services, selector));
  return chosen.filter(
    (service, at) => chosen.findIndex((other) => other.key === service.key && sameSlots(other, service)) === at,
  );
}

/** The service of that key among those that the user named. */
export function pick(all: readonly ContainerSummary[], selectors: readonly string[], key: string): Service {
  const services = groupServices(all);
  const chosen = selectors.map((selector) => findService(services, selector)).find((service) => service.key === key);
  return chosen ?? missing(key);
}

/** The present state of a service that was found before, with the same slots. */
export function sameService(all: readonly ContainerSummary[], before: Service): Service {
  const now = groupServices(all).find(({ key }) => key === before.key) ?? missing(before.key);
  const slots = now.slots.filter(({ slotName }) => before.slots.some((slot) => slot.slotName === slotName));
  return slots.length > 0 ? { ...now, slots } : missing(before.key);
}

/** True: at least one container of a service can be rolled. */
export function canBeRolled({ slots }: Service): boolean {
  return slots.some(({ members }) => members.some((member) => whyNotRollable(member) === undefined));
}

/** For a service that existed a moment ago. */
export function missing(selector: string): never {
  return fail('not-found', `${selector} is gone`);
}

function sameSlots(a: Service, b: Service): boolean {
  return a.slots.map((slot) => slot.slotName).join() === b.slots.map((slot) => slot.slotName).join();
}
