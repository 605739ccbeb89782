import { ipv4Of, type PortRedirectRequest } from '../../core/traffic/routes.ts';
import type { Ports } from '../../ports/ports.ts';
import type { SlotRun } from '../rollout/slot-run.ts';
import { type Snapshot, serving } from '../rollout/snapshot.ts';
import { renewing, stopRenewing } from './address-redirect.ts';

// Long enough for the following settle time and drain; if swapctl dies meanwhile, the incumbent has its ports back afterwards.
const MARGIN_MS = 30_000;

/**
 * Redirects new connections to the slot's ports to the stand-in; `lasting`: without a time limit, else for a while. `leaves`: the
 * incumbent is about to reject new connections.
 */
export async function redirectPorts(
  run: SlotRun,
  { incumbent, candidate, standIn }: Snapshot,
  lasting: boolean,
  leaves = false,
): Promise<void> {
  const isLeaving = incumbent && (leaves || run.memory.rejecting.has(incumbent.id));
  const lifetimeMs = lasting ? undefined : run.policy.settleMs + run.policy.drainMs + MARGIN_MS;
  const request = await requestOf(run, { incumbent, candidate, standIn });
  await stopSharing(run);
  await setPortRedirect(run, { ...request, leaving: isLeaving ? ipv4Of(incumbent) : [], lifetimeMs });
}

type Members = Pick<Snapshot, 'incumbent' | 'candidate' | 'standIn'>;

async function requestOf(run: SlotRun, { incumbent, candidate, standIn }: Members): Promise<PortRedirectRequest> {
  const bridges = (await run.ports.engine.bridges()).map((bridge) => bridge.device);
  const ports = serving(run, incumbent ?? candidate).host.PortBindings;
  return { ports, standIn: serving(run, standIn), bridges, lifetimeMs: SHARED_MS, leaving: [] };
}

async function setPortRedirect({ ports, names }: SlotRun, request: PortRedirectRequest): Promise<void> {
  try {
    await ports.kernel.setPortRedirect(names.slotName, request);
  } catch (error) {
    // The next look judges it.
    if (!(await hasEnded(ports, request.standIn.id))) throw error;
  }
}

// A canary may take hours, but its rules must end soon after the death of swapctl.
const SHARED_MS = 30_000;
const SHARED = 'port share';

/** Redirects a share of the new connections to the slot's ports to the stand-in, as long as this process lives. */
export async function sharePortRedirect(run: SlotRun, members: Members, percent: number): Promise<void> {
  const request = { ...(await requestOf(run, members)), percent };
  await stopSharing(run);
  await setPortRedirect(run, request);
  const again = (): Promise<void> => run.ports.kernel.setPortRedirect(run.names.slotName, request);
  run.memory.renewals.set(SHARED, renewing(run, `the port redirect of ${run.names.slotName}`, again));
}

function stopSharing(run: SlotRun): Promise<void> {
  return stopRenewing(run, SHARED);
}

/** Ends the redirect of new connections to the slot's ports. */
export async function endPortRedirect(run: SlotRun): Promise<void> {
  await stopSharing(run);
  await run.ports.kernel.endPortRedirect(run.names.slotName);
}

/** Removes the redirect of the slot's ports to a stand-in. */
export async function clearPortRedirect(run: SlotRun): Promise<void> {
  await stopSharing(run);
  await run.ports.kernel.clearPortRedirect(run.names.slotName);
}

const ENDS_WITHIN_MS = 1000;
const LOOK_EVERY_MS = 100;

// A container that ends releases its ports before the engine reports its end.
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
 * Restarts the lifetime of the redirect of a container's ports: it must not expire on a hanging engine while the container rejects new
 * connections. A client without an answer from the container must reach the one that answers then.
 */
export async function renewPortRedirect(run: SlotRun, from: string, snapshot: Snapshot): Promise<void> {
  const { incumbent, standIn, seen } = snapshot;
  if (from === incumbent?.id && seen.portRedirect === 'expiring') await redirectPorts(run, snapshot, false, true);
  if (from === standIn?.id && seen.portRedirect === 'over')
    await run.ports.kernel.endPortRedirect(run.names.slotName, ipv4Of(standIn));
}
