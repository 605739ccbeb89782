import type { ContainerSummary } from '../../core/model/container.ts';
import { means, neededToStart } from '../../core/model/references.ts';
import { decodeState } from '../../core/service/labels.ts';
import { helpersOf } from '../../core/service/ownership.ts';
import { groupServices, type Service, type Slot } from '../../core/service/service.ts';
import type { Ports } from '../../ports/ports.ts';
import { overlaidSlot } from '../proxy/overlaid.ts';

/** A slot of an interrupted roll, and the containers (ids or names) that its own needs to start. */
export interface Half {
  readonly service: Service;
  readonly slot: Slot;
  readonly owners: readonly string[];
}

/** Finds them all. Containers in another's namespaces come first, while both namespaces still exist. */
export async function halfDone(
  ports: Ports,
  all: readonly ContainerSummary[],
  isMeant: (key: string) => boolean = () => true,
): Promise<Half[]> {
  const services = groupServices(all);
  const known = services.flatMap((service) => halfDoneOf(service, all).map((slot) => ({ service, slot })));
  const others = services.filter((service) => isMeant(service.key) && known.every((one) => one.service !== service));
  const found = [...known, ...(await overlaidAmong(ports, others, all))];
  const halves = await Promise.all(found.map(async (half) => ({ ...half, owners: await ownersOf(ports, half.slot) })));
  return [...halves.filter((half) => half.owners.length > 0), ...halves.filter((half) => half.owners.length === 0)];
}

// Of a roll that died at its very end, or whose candidate a user removed, only the overlay is left.
async function overlaidAmong(
  ports: Ports,
  services: readonly Service[],
  all: readonly ContainerSummary[],
): Promise<Omit<Half, 'owners'>[]> {
  const looks = services.map(async (service) => ({ service, slot: await overlaidSlot(ports, service, all) }));
  return (await Promise.all(looks)).flatMap(({ service, slot }) => (slot ? [{ service, slot }] : []));
}

async function ownersOf(ports: Ports, slot: Slot): Promise<string[]> {
  const members = await Promise.all(slot.members.map((member) => ports.engine.container(member.id)));
  return members.flatMap((container) => (container ? neededToStart(container) : []));
}

/** True: the half-done slot is of the service, or of one that needs the service's containers to start. */
export function concerns(service: Service, half: Half): boolean {
  const own = half.service.key === service.key && service.slots.some((slot) => slot.slotName === half.slot.slotName);
  const members = service.slots.flatMap((slot) => slot.members);
  return own || members.some((member) => half.owners.some((to) => means(to, member)));
}

const HELPERS = ['rehearsal', 'stand-in', 'copying'] as const;

/** The half-done slots of one service. */
export function halfDoneOf(service: Service, all: readonly ContainerSummary[]): Slot[] {
  return service.slots.filter((slot) => {
    const [only] = slot.members;
    const half = only && slot.members.length === 1 && only.status === 'created' && isFor(slot, only);
    const helped = HELPERS.some((role) => helpersOf(all, slot.slotName, role).length > 0);
    return slot.members.length > 1 || only?.name !== slot.slotName || half || helped || leftOthersBehind(slot, all);
  });
}

/**
 * True: other containers live in the network of the replaced container, which a user removed before the roll moved them. (A list
 * of containers shows no namespace but that of the network.)
 */
export function leftOthersBehind({ slotName, members }: Slot, all: readonly ContainerSummary[]): boolean {
  const [only] = members;
  if (members.length !== 1 || only?.name !== slotName || only.status !== 'running') return false;
  const replaced = decodeState(only.labels)?.replaces;
  if (replaced === undefined || all.some(({ id }) => id === replaced)) return false;
  return all.some(({ status, networkOf }) => status === 'running' && networkOf === replaced);
}

// A container that was made for another slot has its name from a user, who has to decide about it.
function isFor({ slotName }: Slot, { labels }: ContainerSummary): boolean {
  const state = decodeState(labels);
  return state?.role === 'replica' && state.slot === slotName;
}

/** The slot of that name in its present state, if a roll left it half done. */
export async function stillHalfDone(
  ports: Ports,
  service: Service,
  slotName: string,
  now: readonly ContainerSummary[],
): Promise<Slot | undefined> {
  const found = halfDoneOf(service, now).find((slot) => slot.slotName === slotName);
  const overlaid = found ?? (await overlaidSlot(ports, service, now));
  return overlaid?.slotName === slotName ? overlaid : undefined;
}

/** Reports that an update has recovered an interrupted roll. */
export function reportRecovered({ report }: Ports, { service, slot }: Half, outcome: 'finished' | 'undone'): void {
  const text = `${slot.slotName}: an earlier roll was interrupted; it was ${outcome}`;
  report({ kind: 'note', text, recovered: { service: service.key, outcome } });
}
