import { SwapError } from '../../core/model/error.ts';
import type { RecoveredItem } from '../../core/report/status.ts';
import { ROLE_LABEL, type SwarmLock, serviceOf } from '../../core/swarm/memory.ts';
import type { SwarmService } from '../../core/swarm/model.ts';
import type { Ports } from '../../ports/ports.ts';
import { reportedError } from '../report/reported.ts';
import { lenientSettingsOf } from '../select/settings.ts';
import { checkOf } from './image.ts';
import { adoptLock, isHeld } from './lock.ts';
import { memoryFor } from './memory.ts';
import { performRoll } from './perform.ts';

/** Finishes or undoes the interrupted rolls of services, and removes the records of removed services. */
export async function recoverSwarm(
  ports: Ports,
  services: readonly SwarmService[],
  orphans: boolean,
  signal: AbortSignal,
): Promise<RecoveredItem[]> {
  const items: RecoveredItem[] = [];
  for (const service of services) {
    const item = await recovered(ports, service, signal);
    if (item) items.push(item);
  }
  return orphans ? [...items, ...(await removeOrphans(ports))] : items;
}

async function recovered(ports: Ports, service: SwarmService, signal: AbortSignal): Promise<RecoveredItem | undefined> {
  const line = { service: service.name, slot: service.name, found: 'an interrupted roll' };
  try {
    const outcome = await recoverSwarmService(ports, service, signal);
    return outcome && { ...line, outcome };
  } catch (raised) {
    const busy = raised instanceof SwapError && raised.code === 'busy';
    return { ...line, outcome: busy ? 'busy' : 'failed', error: reportedError(raised) };
  }
}

/**
 * The same for one service, before its roll; undefined if there was no interrupted roll. Raises `busy` if a live roll is working on it.
 */
export async function recoverSwarmService(
  ports: Ports,
  service: SwarmService,
  signal: AbortSignal,
): Promise<RecoveredItem['outcome'] | undefined> {
  const { lock } = await memoryFor(ports, service.id);
  if (!lock) return undefined;
  const heldLock = (await isHeld(ports, service.id, lock)) ? undefined : await adoptLock(ports, service, lock);
  if (!heldLock) return busy(service, lock);
  const text = `${service.name}: an earlier roll was interrupted; finishing or undoing it first`;
  ports.report({ kind: 'note', text });
  try {
    const { note } = lock;
    const now = (await ports.swarm.service(service.id)) ?? service;
    if (now.image === note.from && now.updatedAt <= lock.config.createdAt) return 'removed';
    const policy = lenientSettingsOf(ports, service.name, service.labels);
    const found = await checkOf(ports, service, note.to);
    const check = typeof found === 'string' ? undefined : found;
    const tasks = await ports.swarm.tasks(service.id);
    const run = { ports, service, note, policy, check, heldLock, signal };
    const { error } = await performRoll(run, { service: now, tasks }, true);
    if (error?.code === 'attention' || error?.code === 'busy') throw new SwapError(error.code, error.message, error);
    return error ? 'undone' : 'finished';
  } finally {
    await heldLock.release();
  }
}

function busy({ name }: SwarmService, { note }: SwarmLock): never {
  throw new SwapError('busy', `another roll of ${name} is under way (${note.holder})`, {
    hint: 'wait until it is done',
  });
}

async function removeOrphans(ports: Ports): Promise<RecoveredItem[]> {
  const [configs, services] = await Promise.all([ports.swarm.configs(ROLE_LABEL), ports.swarm.services()]);
  const ids = new Set(services.map(({ id }) => id));
  const gone = configs.filter((config) => {
    const service = serviceOf(config);
    return service !== undefined && !ids.has(service);
  });
  for (const { id } of gone) await ports.swarm.removeConfig(id);
  return gone.map(({ name }) => ({
    service: name,
    slot: name,
    found: 'a config object of a service that is gone',
    outcome: 'removed' as const,
  }));
}
