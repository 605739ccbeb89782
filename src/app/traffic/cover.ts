import { ipv4Of } from '../../core/traffic/routes.ts';
import type { Ports } from '../../ports/ports.ts';
import type { SlotRun } from '../rollout/slot-run.ts';
import { type Snapshot, serving } from '../rollout/snapshot.ts';

// Long enough for the settle time and the drain that follow; should swapctl die meanwhile, the old container has its ports back
// after it.
const MARGIN_MS = 30_000;

/**
 * Leads new connections to the slot's ports to the stand-in; `lasting`: until they are led back, else for a while. `leaves`: the old
 * container is about to turn new connections away.
 */
export async function cover(
  run: SlotRun,
  { incumbent, candidate, standIn }: Snapshot,
  lasting: boolean,
  leaves = false,
): Promise<void> {
  const bridges = (await run.ports.engine.bridges()).map((bridge) => bridge.device);
  const target = serving(run, standIn);
  const isLeaving = incumbent && (leaves || run.memory.turnedAway.has(incumbent.id));
  const request = {
    ports: serving(run, incumbent ?? candidate).host.PortBindings,
    standIn: target,
    bridges,
    leaving: isLeaving ? ipv4Of(incumbent) : [],
    lifetimeMs: lasting ? undefined : run.policy.settleMs + run.policy.drainMs + MARGIN_MS,
  };
  try {
    await run.ports.kernel.setCover(run.names.home, request);
  } catch (error) {
    // The next look judges it.
    if (!(await hasEnded(run.ports, target.id))) throw error;
  }
}

const ENDS_WITHIN_MS = 1000;
const LOOK_EVERY_MS = 100;

// A container that ends gives up its ports before the engine says that it has ended.
async function hasEnded({ engine, clock }: Ports, id: string): Promise<boolean> {
  for (let waited = 0; waited <= ENDS_WITHIN_MS; waited += LOOK_EVERY_MS) {
    const found = await engine.container(id);
    if (found?.status !== 'running') return true;
    if (found.published.length > 0) return false;
    await clock.sleep(LOOK_EVERY_MS);
  }
  return false;
}

/**
 * Has what leads the ports of a container elsewhere begin its time anew: an engine that hangs must not let it expire while the container
 * turns new connections away. A client that it has not answered is to ask whoever answers then.
 */
export async function renewCover(run: SlotRun, from: string, snapshot: Snapshot): Promise<void> {
  const { incumbent, standIn, seen } = snapshot;
  if (from === incumbent?.id && seen.cover === 'expiring') await cover(run, snapshot, false, true);
  if (from === standIn?.id && seen.cover === 'over') await run.ports.kernel.endCover(run.names.home, ipv4Of(standIn));
}
