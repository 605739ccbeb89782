import { awaitEngine } from './engine-verdict.ts';
import { endForwardsTo, forwardToStandIn } from './forward.ts';
import type { Desired, Observed, Replica } from './observed.ts';
import type { Step } from './step.ts';
import { leads } from './traffic.ts';

/**
 * The steps that the way `handover` adds to stop-first: a stand-in from the new image answers the published ports from
 * before the old container stops until after the new one is healthy, so that the ports change hands without a gap.
 */

/** The next step of proving a stand-in; undefined once it is proven. A failed one is judged by the caller. */
export function proveStandIn(standIn: Replica): Step | undefined {
  const { id: container, name, verdict } = standIn;
  if (verdict.kind === 'unstarted') return { kind: 'start', container, name };
  if (verdict.kind === 'waiting') return { kind: 'await-healthy', container, name };
  if (standIn.shut) return { kind: 'open', container, name };
  return standIn.settled ? undefined : { kind: 'settle', container, name };
}

/** What has to be done about the ports before the old container is stopped; undefined once they are safe. */
export function secure(desired: Desired, seen: Observed, standIn: Replica, old: Replica): Step | undefined {
  if (!leads(seen.cover)) return cover(seen, standIn, false);
  const led = forwardToStandIn(seen, standIn, old);
  if (led) return led;
  const awaited = awaitEngine(desired, standIn, old);
  if (awaited) return awaited;
  if (!old.drained) return { kind: 'drain', container: old.id, name: old.name };
  return undefined;
}

/** Leads the slot's ports to the stand-in; for good, once the old container is to give them up. */
export function cover(seen: Observed, standIn: Replica, lasting: boolean): Step {
  return { kind: 'cover', name: seen.names.home, standIn: standIn.id, lasting };
}

/** The next step of taking a stand-in away after the slot's own container answers again; undefined once it is gone. */
export function retireStandIn(seen: Observed): Step | undefined {
  if (leads(seen.cover)) return { kind: 'uncover', name: seen.names.home };
  const { standIn } = seen;
  if (!standIn) return undefined;
  const led = endForwardsTo(seen, standIn);
  if (led) return led;
  const { id: container, name } = standIn;
  // One that never covered anything has no connections, and its drain is over at once.
  if (standIn.running) return { kind: standIn.drained ? 'stop' : 'drain', container, name };
  if (seen.cover !== 'none') return { kind: 'drop-cover', name: seen.names.home };
  return { kind: 'remove', container, name };
}

/** While the old container is brought back, the stand-in goes on answering; undefined once that one answers itself. */
export function coverReturn(seen: Observed, old: Replica): Step | undefined {
  const { standIn } = seen;
  if (standIn?.verdict.kind !== 'healthy') return undefined;
  if (!old.running && seen.cover !== 'lasting') return cover(seen, standIn, true);
  return undefined;
}
