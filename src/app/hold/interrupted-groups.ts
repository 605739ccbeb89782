import type { InterruptedGroup } from '../../core/group/held-roll.ts';
import { decodeState } from '../../core/service/labels.ts';
import { helperRole } from '../../core/service/ownership.ts';
import type { Ports } from '../../ports/ports.ts';
import { holdingOf, lockOf } from '../lock/lock.ts';
import { listed } from '../select/own.ts';

/** The rolls of groups whose process is dead, by the locks on this engine. Waits if it has to watch a lock. */
export async function interruptedGroups(ports: Ports): Promise<InterruptedGroup[]> {
  const locks = (await listed(ports.engine)).filter((one) => helperRole(one) === 'lock');
  const services = locks.flatMap(({ labels }) => {
    const state = decodeState(labels);
    return state?.group === undefined ? [] : [state.service];
  });
  const found = await Promise.all(services.map((service) => interruptedIn(ports, service)));
  return found.flat();
}

async function interruptedIn(ports: Ports, service: string): Promise<InterruptedGroup[]> {
  const lock = await lockOf(ports, service);
  if (!lock || (await holdingOf(ports, lock)) !== 'dead') return [];
  const { group, follows: reference, digest = lock.state.image } = lock.state;
  return group === undefined || reference === '' || digest === '' ? [] : [{ group, service, reference, digest }];
}
