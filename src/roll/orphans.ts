import type { ContainerSummary } from '../core/container.ts';
import { decodeState, type Role, type StateLabels } from '../core/labels.ts';
import { homeOf } from '../core/names.ts';
import { groupServices, helperRole, type Service } from '../core/service.ts';
import type { RecoveredItem } from '../core/status.ts';
import type { Ports } from '../ports.ts';
import { dropDeadLock } from './lease.ts';
import { sweepRules } from './sweep.ts';

/** Takes away helpers whose service is gone (docker compose down) or whose holder is dead: they serve nobody. */
export async function removeOrphans(ports: Ports): Promise<RecoveredItem[]> {
  const all = await ports.engine.list();
  const services = groupServices(all);
  const items = await removeOrphanedRules(ports);
  for (const container of all) {
    const role = helperRole(container);
    const state = decodeState(container.labels);
    if (role === undefined || !state || !(await removeOrphan(ports, container, role, state, services))) continue;
    items.push({ service: state.service, slot: homeOf(state.slot), found: container.name, outcome: 'removed' });
  }
  return items;
}

async function removeOrphanedRules(ports: Ports): Promise<RecoveredItem[]> {
  const count = await sweepRules(ports);
  return count > 0
    ? [{ service: '-', slot: '-', found: `${count} nftables rules that led nowhere`, outcome: 'removed' }]
    : [];
}

async function removeOrphan(
  ports: Ports,
  container: ContainerSummary,
  role: Role,
  state: StateLabels,
  services: readonly Service[],
): Promise<boolean> {
  if (role === 'lock') return dropDeadLock(ports, state.service);
  if (services.some((service) => service.slots.some((slot) => slot.home === state.slot))) return false;
  await ports.engine.remove(container.id, { discard: true });
  return true;
}
