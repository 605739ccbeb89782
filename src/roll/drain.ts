import type { Container } from '../core/container.ts';
import type { SlotRun } from './slot-run.ts';

const LOOK_EVERY_MS = 50;

/**
 * Waits until nobody is connected to the container any more, at the most for the drain time of its policy. Where the
 * connections can't be counted the whole time is waited.
 */
export async function drain(run: SlotRun, container: Container): Promise<void> {
  const until = run.ports.clock.now() + run.policy.drainMs;
  let left = await run.ports.traffic.connections(container);
  while (left !== 0 && run.ports.clock.now() < until) {
    await run.ports.clock.sleep(Math.min(LOOK_EVERY_MS, Math.max(1, until - run.ports.clock.now())));
    left = await run.ports.traffic.connections(container);
  }
  run.memory.drained.set(container.id, left);
  if (left)
    run.ports.report({
      kind: 'note',
      text: `${container.name}: ${left} connections were still open when the drain time was over`,
    });
}
