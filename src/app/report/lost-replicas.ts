import { EngineError } from '../../core/model/engine-error.ts';
import type { Ports } from '../../ports/ports.ts';

/** Reports replicas that were rolled, but are down, paused or gone once the others are rolled, too. */
export async function noteLost(ports: Ports, slotsOf: readonly string[]): Promise<void> {
  for (const slotName of slotsOf) {
    const status = await statusOf(ports, slotName);
    if (status !== 'running' && status !== 'restarting')
      ports.report({
        kind: 'note',
        text: `${slotName}: rolled, but its container is ${status} now; swapctl leaves the container as it is`,
      });
  }
}

async function statusOf({ engine }: Ports, slotName: string): Promise<string> {
  try {
    return (await engine.container(slotName))?.status ?? 'gone';
  } catch (error) {
    // The roll is done, even if the engine can't show this now.
    if (error instanceof EngineError) return 'running';
    throw error;
  }
}
