import { keepReference, keepRepository } from '../core/names.ts';
import type { Ports } from '../ports.ts';
import { stateOf } from './observe.ts';
import type { PreparedSlot } from './prepare.ts';

/** Lets go of old images beyond the count that the policy keeps: only swapctl's own tags are taken away. */
export async function retireOldImages(ports: Ports, service: string, slots: readonly PreparedSlot[]): Promise<void> {
  const wanted = new Set<string>();
  for (const slot of slots) {
    const container = await ports.engine.container(slot.home);
    const history = container ? ((await stateOf({ ports, memory: slot.memory }, container))?.history ?? []) : [];
    const earlier = [...new Set(history.map((entry) => entry.id))].filter((id) => id !== container?.imageId);
    for (const id of earlier.slice(0, slot.policy.keep)) wanted.add(keepReference(service, id));
  }
  const kept = await ports.engine.imageTags(keepRepository(service));
  for (const reference of kept) if (!wanted.has(reference)) await ports.engine.untag(reference);
}
