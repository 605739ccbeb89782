import type { ContainerSummary } from '../../core/model/container.ts';
import type { RecoveredItem } from '../../core/report/status.ts';
import { decodeState, type Role, type StateLabels } from '../../core/service/labels.ts';
import { slotNameOf } from '../../core/service/names.ts';
import { helperRole } from '../../core/service/ownership.ts';
import { groupServices, type Service } from '../../core/service/service.ts';
import type { Ports } from '../../ports/ports.ts';
import { endDeadLock } from '../lock/dead-lock.ts';
import { lockHeld } from '../lock/lock.ts';
import { removeCopy, removeOwn } from '../rollout/steps/remove.ts';
import { listed } from '../select/own.ts';
import { sweepRules } from '../traffic/sweep.ts';
import { clearHelper } from '../update/self-update.ts';
import { forgetFailure, recordedFailures } from './failures.ts';

/** Services of which only helpers are left, without any slot. */
export async function servicesGone({ engine }: Ports, all: readonly ContainerSummary[]): Promise<Service[]> {
  const there = new Set(groupServices(all).map(({ key }) => key));
  const helped = all.flatMap((container) => (helperRole(container) && decodeState(container.labels)?.service) || []);
  const told = [...helped, ...(await recordedFailures(engine)).map(({ state }) => state.service)];
  return [...new Set(told)].filter((key) => !there.has(key)).map((key) => ({ key, slots: [] }));
}

/**
 * Removes helpers whose service is gone (docker compose down) or whose holder is dead: they serve nobody. Only those of the
 * wanted services; rules without a target belong to none.
 */
export async function removeOrphans(ports: Ports, isWanted: (service: string) => boolean): Promise<RecoveredItem[]> {
  const all = await listed(ports.engine);
  const services = groupServices(all);
  const items = await removeOrphanedRules(ports);
  for (const container of all) {
    const role = helperRole(container);
    const state = decodeState(container.labels);
    if (role === undefined || !state || !isWanted(state.service)) continue;
    const item = { service: state.service, slot: slotNameOf(state.slot), found: container.name };
    if (role === 'one-shot') items.push(...(await endOneShot(ports, container, state, services, item)));
    else if (await removeOrphan(ports, container, role, state, services)) items.push({ ...item, outcome: 'removed' });
  }
  return [...items, ...(await removeRecords(ports, services, isWanted))];
}

async function removeRecords(
  ports: Ports,
  services: readonly Service[],
  isWanted: (service: string) => boolean,
): Promise<RecoveredItem[]> {
  const slotsOf = new Set(services.flatMap(({ slots }) => slots.map(({ slotName }) => slotName)));
  const items: RecoveredItem[] = [];
  for (const { volume, state } of await recordedFailures(ports.engine)) {
    if (slotsOf.has(state.slot) || !isWanted(state.service) || !(await forgetFailure(ports, volume))) continue;
    items.push({ service: state.service, slot: state.slot, found: volume, outcome: 'removed' });
  }
  return items;
}

async function removeOrphanedRules(ports: Ports): Promise<RecoveredItem[]> {
  const count = await sweepRules(ports);
  return count > 0
    ? [
        {
          service: '-',
          slot: '-',
          found: `${count} nftables ${count === 1 ? 'rule' : 'rules'} that led nowhere`,
          outcome: 'removed',
        },
      ]
    : [];
}

// One that runs is for the next roll to wait for. It takes the place of the old container only after it has ended well.
async function endOneShot(
  ports: Ports,
  { id, status }: ContainerSummary,
  { service, slot }: StateLabels,
  services: readonly Service[],
  item: Omit<RecoveredItem, 'outcome'>,
): Promise<RecoveredItem[]> {
  if (status === 'running' || (await lockHeld(ports, service))) return [];
  if (services.some(({ slots }) => slots.some(({ slotName }) => slotName === slot))) {
    await removeOwn(ports, id, 'one-shot');
    return [{ ...item, outcome: 'removed' }];
  }
  await ports.engine.rename(id, slot);
  return [{ ...item, outcome: 'finished' }];
}

async function removeOrphan(
  ports: Ports,
  container: ContainerSummary,
  role: Role,
  state: StateLabels,
  services: readonly Service[],
): Promise<boolean> {
  if (role === 'helper') return clearHelper(ports, container.id);
  if (role === 'lock') return endDeadLock(ports, state.service);
  // A backup may be the last remains of a removed service.
  if (role === 'backup') return false;
  if (services.some((service) => service.slots.some((slot) => slot.slotName === state.slot))) return false;
  await removeOwn(ports, container.id, role);
  for (const { copy } of state.copies) await removeCopy(ports, copy, state.slot);
  return true;
}
