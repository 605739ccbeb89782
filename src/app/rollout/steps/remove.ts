import type { Container } from '../../../core/model/container.ts';
import { fail } from '../../../core/model/error.ts';
import type { Role, StateLabels } from '../../../core/service/labels.ts';
import { copyState, madeBySwapctl, notOurs } from '../../../core/service/ownership.ts';
import type { Ports } from '../../../ports/ports.ts';
import { imageCache, summaryOf } from '../../select/own.ts';

type WithEngine = Pick<Ports, 'engine'>;

/** The state that swapctl wrote on a container that it made under one of its own names; undefined for every other. */
export async function stateOfMade(ports: WithEngine, container: Container): Promise<StateLabels | undefined> {
  return madeBySwapctl(await summaryOf({ ports, images: imageCache() }, container));
}

/**
 * Removes a helper or record of swapctl's own, running or not, after proof of its origin. It may be gone already. Raises
 * `attention` for a container of another origin, whatever its name is.
 */
export async function removeOwn(ports: WithEngine, idOrName: string, role: Role): Promise<void> {
  const container = await ports.engine.container(idOrName);
  if (!container) return;
  if ((await stateOfMade(ports, container))?.role !== role) notOurs(container.name);
  await ports.engine.remove(container.id, { discard: true });
}

/** Removes a backup volume of a slot that swapctl made. Raises `attention` for every other volume. */
export async function removeCopy({ engine }: WithEngine, name: string, slotName: string): Promise<void> {
  const volume = await engine.volume(name);
  if (!volume) return;
  if (copyState(volume, slotName)) return engine.removeVolume(name);
  fail('attention', `the volume ${name} does not say that swapctl made it for a copy of a volume of ${slotName}`, {
    hint: 'it was not touched; if nobody needs it: docker volume rm, then run swapctl recover',
  });
}
