import type { Container } from '../../core/model/container.ts';
import type { Closer } from '../../ports/traffic.ts';
import type { SlotRun } from '../rollout/slot-run.ts';
import { noteOnce } from './without-rules.ts';

const CLOSE_WITHIN_MS = 2000;
const LOOK_EVERY_MS = 15;
// One observation may name connections that have just ended.
const TRIES_IN_VAIN = 3;

/** The number of connections from outside a container, and the ends of those between two requests. */
type Look = () => Promise<{ readonly fromOutside: number; readonly resting: readonly string[] } | undefined>;

/**
 * Closes connections between two requests while new ones go elsewhere, until none is left, at most for a moment: a proxy removes them
 * from its pool, and opens others for its next requests. Resolves with the number closed.
 */
export async function closeIdle(run: SlotRun, container: Container, look: Look): Promise<number> {
  const closer = await run.ports.traffic.closer(container);
  try {
    return await closeAll(run, container, look, closer);
  } finally {
    closer.end();
  }
}

async function closeAll(run: SlotRun, { name }: Container, look: Look, closer: Closer): Promise<number> {
  const { clock } = run.ports;
  const end = clock.now() + CLOSE_WITHIN_MS;
  let [closed, inVain] = [0, 0];
  while (clock.now() < end) {
    const seen = await look();
    if (!seen || seen.fromOutside === 0) break;
    const told = seen.resting.length > 0 ? await closer.close(seen.resting) : undefined;
    if (told?.available) inVain = told.closed > 0 ? 0 : inVain + 1;
    if (told?.available) closed += told.closed;
    const why = told && whyNot(told, inVain);
    if (why !== undefined) {
      noteOnce(run, `idle connections of ${name} stay open until it stops: ${why}`);
      break;
    }
    await clock.sleep(LOOK_EVERY_MS);
  }
  return closed;
}

function whyNot(told: Awaited<ReturnType<Closer['close']>>, inVain: number): string | undefined {
  if (!told.available) return `${told.why}; ${told.advice}`;
  if (inVain < TRIES_IN_VAIN) return undefined;
  return 'the kernel closes none; it has to be built with CONFIG_INET_DIAG_DESTROY';
}
