import type { SlotRun } from './slot-run.ts';
import { type Snapshot, serving } from './snapshot.ts';

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
  await run.ports.kernel.setCover(run.names.home, {
    ports: serving(run, incumbent ?? candidate).host.PortBindings,
    standIn: serving(run, standIn),
    bridges,
    lifetimeMs: lasting ? undefined : run.policy.settleMs + run.policy.drainMs + MARGIN_MS,
  });
}

/**
 * Has what leads the ports of a container to the stand-in for a while begin its time anew: an engine that hangs must not let it
 * expire while the container turns new connections away.
 */
export async function renewCover(run: SlotRun, from: string, snapshot: Snapshot): Promise<void> {
  const { incumbent, seen } = snapshot;
  if (from === incumbent?.id && seen.cover === 'expiring') await cover(run, snapshot, false);
}
