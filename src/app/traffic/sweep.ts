import type { ContainerSummary } from '../../core/model/container.ts';
import { SwapError } from '../../core/model/error.ts';
import { slotNameOf } from '../../core/service/names.ts';
import { helperRole } from '../../core/service/ownership.ts';
import type { Ports, Process } from '../../ports/ports.ts';
import { listed } from '../select/own.ts';
import { kernelLayer } from './kernel-layer.ts';

/**
 * Removes rules without a target: to a missing stand-in, or from a removed container once their connections are closed. Resolves with
 * their number.
 */
export async function sweepRules(ports: Ports): Promise<number> {
  const { kernel, engine } = ports;
  if (!(await kernelLayer(ports)).available) return 0;
  const portRedirects = await told(
    ports,
    kernel.clearOrphans(async () => redirectedSlots(await listed(engine))),
  );
  return (
    portRedirects +
    (await told(
      ports,
      kernel.sweepAddressRedirects((id) => running(ports, id)),
    ))
  );
}

// Rules of others that can't be removed now must not stop the caller's work; the next sweep finds them again.
async function told({ report }: Ports, sweeping: Promise<number>): Promise<number> {
  try {
    return await sweeping;
  } catch (error) {
    if (!(error instanceof SwapError)) throw error;
    report({ kind: 'note', text: `stale redirect rules could not be removed: ${error.message}` });
    return 0;
  }
}

function redirectedSlots(all: readonly ContainerSummary[]): string[] {
  return all.filter((container) => helperRole(container) === 'stand-in').map((container) => slotNameOf(container.name));
}

async function running({ engine }: Ports, id: string): Promise<Process | undefined> {
  const container = await engine.container(id);
  return container?.status === 'running' ? container : undefined;
}
