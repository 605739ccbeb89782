import type { ContainerSummary } from '../../core/model/container.ts';
import type { StateLabels } from '../../core/service/labels.ts';
import { madeBySwapctl } from '../../core/service/ownership.ts';
import type { Slot } from '../../core/service/service.ts';
import type { Ports } from '../../ports/ports.ts';
import { dependentsOn, fallenWith, type Owner, othersOf } from '../select/neighbours.ts';
import { imageCache, listed, stateOf } from '../select/own.ts';

/**
 * Names of those that live with any container of a slot: some may have been moved before the roll died, and some may have died with
 * the old container, in whose PID namespace they lived. The lock of the service names those that ran before.
 */
export async function dependentsEver(ports: Ports, service: string, slot: Slot): Promise<string[]> {
  const all = await listed(ports.engine);
  const owners = await ownersEver(ports, slot);
  const alive = new Set(all.flatMap((one) => lockOf(one, service)?.incumbents ?? []));
  const names = await Promise.all(
    owners.map(async (owner) => {
      const others = await othersOf(ports, owner, all);
      return [...dependentsOn(owner, others), ...fallenWith(owner, others, alive)];
    }),
  );
  return [...new Set(names.flat())];
}

function lockOf(container: ContainerSummary, service: string): StateLabels | undefined {
  const state = madeBySwapctl(container);
  return state?.role === 'lock' && state.service === service ? state : undefined;
}

/** The containers of a slot, and those that they replace, which somebody may have removed since. */
async function ownersEver(ports: Ports, { slotName, members }: Slot): Promise<Owner[]> {
  const found = await Promise.all(members.map(({ id }) => ports.engine.container(id)));
  const there = found.flatMap((container) => container ?? []);
  const look = { ports, images: imageCache() };
  const states = await Promise.all(there.map((container) => stateOf(look, container)));
  const replaced = states.flatMap((state) => state?.replaces ?? []);
  const gone = replaced.filter((id) => !there.some((container) => container.id === id));
  return [...there, ...gone.map((id) => ({ id, name: slotName }))];
}
