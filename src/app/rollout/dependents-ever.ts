import type { Slot } from '../../core/service/service.ts';
import type { Ports } from '../../ports/ports.ts';
import { dependentsOn, type Owner, othersOf } from '../select/neighbours.ts';
import { listed, stateOf } from '../select/own.ts';
import { freshMemory } from './slot-run.ts';

/** Names of the containers that live with any container of a slot: a dead roll may have moved some of them. */
export async function dependentsEver(ports: Ports, slot: Slot): Promise<string[]> {
  const all = await listed(ports.engine);
  const owners = await ownersEver(ports, slot);
  const names = await Promise.all(owners.map(async (owner) => dependentsOn(owner, await othersOf(ports, owner, all))));
  return [...new Set(names.flat())];
}

/** The containers of a slot, and those that they replace, which a user may have removed since. */
async function ownersEver(ports: Ports, { home, members }: Slot): Promise<Owner[]> {
  const found = await Promise.all(members.map(({ id }) => ports.engine.container(id)));
  const there = found.flatMap((container) => container ?? []);
  const look = { ports, memory: freshMemory() };
  const states = await Promise.all(there.map((container) => stateOf(look, container)));
  const replaced = states.flatMap((state) => state?.replaces ?? []);
  const gone = replaced.filter((id) => !there.some((container) => container.id === id));
  return [...there, ...gone.map((id) => ({ id, name: home }))];
}
