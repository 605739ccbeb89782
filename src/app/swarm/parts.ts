import type { ContainerSummary } from '../../core/model/container.ts';
import { fail, SwapError } from '../../core/model/error.ts';
import { SWARM_TASK } from '../../core/model/label-keys.ts';
import { findService, groupServices, type Service } from '../../core/service/service.ts';
import type { Ports } from '../../ports/ports.ts';
import { listed } from '../select/own.ts';
import { findUnit, type SwarmUnit, swarmUnits } from './target.ts';

/** A service that a user named: one of containers, by its selector, or one of the Swarm. */
export type Named =
  | { readonly kind: 'containers'; readonly selector: string }
  | { readonly kind: 'swarm'; readonly unit: SwarmUnit };

/**
 * The named services in their order, each Swarm service once. Raises `ambiguous` for a name of both a container and a Swarm service, and
 * `not-found` unless `gone` services may be named. An engine that is no manager is not asked.
 */
export async function whatIsNamed(
  ports: Ports,
  selectors: readonly string[],
  { gone = false }: { readonly gone?: boolean } = {},
): Promise<Named[]> {
  const units = selectors.length > 0 ? await swarmUnits(ports) : [];
  if (units.length === 0) return selectors.map((selector) => ({ kind: 'containers', selector }));
  const services = groupServices(await listed(ports.engine));
  const found = new Set(selectors.map((selector) => unitOf(units, services, selector, gone) ?? selector));
  return [...found].map((one) =>
    typeof one === 'string' ? { kind: 'containers', selector: one } : { kind: 'swarm', unit: one },
  );
}

/** The selectors of containers among these. */
export function containersIn(named: readonly Named[]): string[] {
  return named.flatMap((one) => (one.kind === 'containers' ? [one.selector] : []));
}

/** The Swarm services among these. */
export function unitsIn(named: readonly Named[]): SwarmUnit[] {
  return named.flatMap((one) => (one.kind === 'swarm' ? [one.unit] : []));
}

/** True if a service is a task of the Swarm: on a manager, its Swarm service stands for it. */
export function isTask({ slots }: Service): boolean {
  const members = slots.flatMap((slot) => slot.members);
  return members.length > 0 && members.every(isTaskContainer);
}

function isTaskContainer({ labels }: ContainerSummary): boolean {
  return labels[SWARM_TASK] !== undefined;
}

function unitOf(
  units: readonly SwarmUnit[],
  services: readonly Service[],
  selector: string,
  gone: boolean,
): SwarmUnit | undefined {
  const unit = findUnit(units, selector);
  const container = containerOf(units, services, selector, gone || unit !== undefined);
  if (!unit || !container) return unit;
  const choices = [container, unit.service.id.slice(0, 12)];
  return fail('ambiguous', `${JSON.stringify(selector)} names a container and a Swarm service`, {
    hint: `say which by its id: ${choices[0]} (container), ${choices[1]} (Swarm service)`,
    choices,
  });
}

// The id of the container that a selector names; undefined if there is none, which is an error unless another service has the name.
function containerOf(
  units: readonly SwarmUnit[],
  services: readonly Service[],
  selector: string,
  optional: boolean,
): string | undefined {
  try {
    return findService(services, selector).slots[0]?.members[0]?.id.slice(0, 12);
  } catch (raised) {
    if (!(raised instanceof SwapError)) throw raised;
    if (raised.code !== 'not-found') throw raised;
    if (optional) return undefined;
    const names = units.map(({ key }) => key);
    const hint = [raised.hint, `Swarm services: ${names.slice(0, 20).join(', ')}`].join('; ');
    return fail('not-found', raised.message, { hint, choices: [...raised.choices, ...names.slice(0, 20)] });
  }
}
