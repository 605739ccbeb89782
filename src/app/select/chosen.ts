import type { ContainerSummary } from '../../core/model/container.ts';
import { fail } from '../../core/model/error.ts';
import { findService, groupServices, type Service, whyNotRollable } from '../../core/service/service.ts';

/** The services that users named, of those that are there and some more, each once. Raises `not-found` and `ambiguous`. */
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

/** The one of that key among those that users named. */
export function pick(all: readonly ContainerSummary[], selectors: readonly string[], key: string): Service {
  const services = groupServices(all);
  const chosen = selectors.map((selector) => findService(services, selector)).find((service) => service.key === key);
  return chosen ?? missing(key);
}

/** A service as it was found before, with those of its slots, as it is now. */
export function sameService(all: readonly ContainerSummary[], before: Service): Service {
  const now = groupServices(all).find(({ key }) => key === before.key) ?? missing(before.key);
  const slots = now.slots.filter(({ home }) => before.slots.some((slot) => slot.home === home));
  return slots.length > 0 ? { ...now, slots } : missing(before.key);
}

/** Whether anything of a service can be rolled at all. */
export function canBeRolled({ slots }: Service): boolean {
  return slots.some(({ members }) => members.some((member) => whyNotRollable(member) === undefined));
}

/** For what was there a moment ago. */
export function missing(selector: string): never {
  return fail('not-found', `${selector} is gone`);
}

function sameSlots(a: Service, b: Service): boolean {
  return a.slots.map((slot) => slot.home).join() === b.slots.map((slot) => slot.home).join();
}
