import type { Container } from '../core/container.ts';
import { undoShut } from './gate.ts';
import type { SlotRun } from './slot-run.ts';
import { goWithout } from './without-rules.ts';

const LOOK_EVERY_MS = 50;
// A look makes the kernel walk its table of all connections, which takes its time on a big machine: looking is at most this
// share of the waiting.
const LOOK_SHARE = 0.1;
// Requests that are under way end in this time, or they are of the long kind that the drain time has waited for.
const LAST_CALL_MS = 500;
const TURNED_AWAY_MS = 30_000;

/**
 * Waits until nobody is connected to the container any more, at the most for the drain time of its policy. Where the
 * connections can't be counted the whole time is waited. Just before the end new ones are turned away to whoever else
 * has the name, so that an app which exits at once takes no request with it. `renew` sees to it that whoever else answers
 * does so for longer than that.
 */
export async function drain(run: SlotRun, container: Container, renew: () => Promise<void>): Promise<void> {
  let left = await untilIdle(run, container, run.policy.drainMs);
  if (run.gates && (await turnAway(run, container, renew))) left = await untilIdle(run, container, LAST_CALL_MS);
  run.memory.drained.set(container.id, left);
  if (left) {
    run.ports.report({
      kind: 'note',
      text: `${container.name}: ${left} connections were still open when the drain time was over`,
    });
  }
}

async function untilIdle(run: SlotRun, container: Container, withinMs: number): Promise<number | undefined> {
  const { clock, traffic } = run.ports;
  const until = clock.now() + withinMs;
  for (;;) {
    const began = clock.now();
    const left = await traffic.connections(container);
    const now = clock.now();
    if (left === 0 || now >= until) return left;
    const pause = Math.max(LOOK_EVERY_MS, (now - began) / LOOK_SHARE);
    await clock.sleep(Math.min(pause, until - now));
  }
}

async function turnAway(run: SlotRun, container: Container, renew: () => Promise<void>): Promise<boolean> {
  try {
    await renew();
    await run.ports.kernel.shut(container, { lifetimeMs: TURNED_AWAY_MS, fresh: false });
    run.memory.turnedAway.add(container.id);
    return true;
  } catch (error) {
    await undoShut(run, container, error);
    await goWithout(run, container, `${container.name} gets new connections until it stops`, error);
    return false;
  }
}
