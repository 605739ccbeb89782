import type { Container, ContainerSummary } from '../../core/model/container.ts';
import { neededToStart } from '../../core/model/references.ts';
import type { Slot } from '../../core/service/service.ts';
import type { Ports } from '../../ports/ports.ts';
import { copiedFiles } from '../rollout/prepare.ts';
import type { Memory } from '../rollout/slot-run.ts';
import { imageCache, ownOf } from '../select/own.ts';

/**
 * Adopts a candidate that was not started, if its incumbent can't start again because the owner of its namespaces is down. Only
 * its files are in doubt then; resolves with their paths.
 */
export async function adopted(
  ports: Ports,
  memory: Memory,
  candidate: ContainerSummary,
  incumbent: ContainerSummary,
): Promise<readonly string[]> {
  if (candidate.status !== 'created' || incumbent.status !== 'exited') return [];
  const old = await ports.engine.container(incumbent.id);
  if (!old || !(await isStranded(ports, old))) return [];
  memory.created.add(candidate.id);
  return copiedFiles(ports, old, await ownOf({ ports, images: imageCache() }, old));
}

async function isStranded({ engine }: Ports, container: Container): Promise<boolean> {
  const owners = await Promise.all(neededToStart(container).map((owner) => engine.container(owner)));
  return owners.some((owner) => owner === undefined || !UP.includes(owner.status));
}

const UP: readonly string[] = ['running', 'restarting', 'paused'];

/** Waits for stops that continue after swapctl died: until its end a container looks like a serving one. */
export async function endStops({ engine, report }: Ports, { slotName, members }: Slot): Promise<void> {
  for (const { id, name, status } of members) {
    if (status !== 'running' || !(await engine.isStopping(id))) continue;
    report({ kind: 'note', text: `${slotName}: ${name} is stopping; waiting for its end` });
    await engine.stop(id);
  }
}
