import { EngineError } from '../../core/model/engine-error.ts';
import type { Ports } from '../../ports/ports.ts';

/** Reports replicas that were rolled, but are down, paused or gone once the others are rolled, too. */
export async function noteLost(ports: Ports, homes: readonly string[]): Promise<void> {
  for (const home of homes) {
    const status = await statusOf(ports, home);
    if (status !== 'running' && status !== 'restarting')
      ports.report({
        kind: 'note',
        text: `${home}: rolled, but its container is ${status} now; swapctl leaves the container as it is`,
      });
  }
}

async function statusOf({ engine }: Ports, home: string): Promise<string> {
  try {
    return (await engine.container(home))?.status ?? 'gone';
  } catch (error) {
    // The roll is done, even if the engine can't show this now.
    if (error instanceof EngineError) return 'running';
    throw error;
  }
}
