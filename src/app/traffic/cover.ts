import type { Ports } from '../../ports/ports.ts';
import type { SlotRun } from '../rollout/slot-run.ts';
import { type Snapshot, serving } from '../rollout/snapshot.ts';

// Long enough for the settle time and the drain that follow; should swapctl die meanwhile, the old container has its ports back
// after it.
const MARGIN_MS = 30_000;

/** Leads new connections to the slot's ports to the stand-in; `lasting`: until they are led back, else for a while. */
export async function cover(
  run: SlotRun,
  { incumbent, candidate, standIn }: Snapshot,
  lasting: boolean,
): Promise<void> {
  const bridges = (await run.ports.engine.bridges()).map((bridge) => bridge.device);
  const target = serving(run, standIn);
  const request = {
    ports: serving(run, incumbent ?? candidate).host.PortBindings,
    standIn: target,
    bridges,
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
 * Has what leads the ports of a container to the stand-in for a while begin its time anew: an engine that hangs must not let it
 * expire while the container turns new connections away.
 */
export async function renewCover(run: SlotRun, from: string, snapshot: Snapshot): Promise<void> {
  const { incumbent, seen } = snapshot;
  if (from === incumbent?.id && seen.cover === 'expiring') await cover(run, snapshot, false);
}
