import type { ContainerSummary } from '../../core/model/container.ts';
import { SwapError } from '../../core/model/error.ts';
import { homeOf } from '../../core/service/names.ts';
import { helperRole } from '../../core/service/ownership.ts';
import type { Ports, Process } from '../../ports/ports.ts';
import { listed } from '../select/own.ts';
import { kernelLayer } from './kernel-layer.ts';

/**
 * Takes away rules that lead nowhere: to a stand-in that is not there, or from a container that is gone once the connections
 * that they led are closed. Resolves with how many there were.
 */
export async function sweepRules(ports: Ports): Promise<number> {
  const { kernel, engine } = ports;
  if (!(await kernelLayer(ports)).available) return 0;
  const covers = await told(
    ports,
    kernel.clearOrphans(async () => coveredSlots(await listed(engine))),
  );
  return (
    covers +
    (await told(
      ports,
      kernel.sweepForwards((id) => running(ports, id)),
    ))
  );
}

// Rules of others that can't be taken away now keep nobody from what he came for; the next sweep finds them again.
async function told({ report }: Ports, sweeping: Promise<number>): Promise<number> {
  try {
    return await sweeping;
  } catch (error) {
    if (!(error instanceof SwapError)) throw error;
    report({ kind: 'note', text: `stale redirect rules could not be removed: ${error.message}` });
    return 0;
  }
}

function coveredSlots(all: readonly ContainerSummary[]): string[] {
  return all.filter((container) => helperRole(container) === 'stand-in').map((container) => homeOf(container.name));
}

async function running({ engine }: Ports, id: string): Promise<Process | undefined> {
  const container = await engine.container(id);
  return container?.status === 'running' ? container : undefined;
}
