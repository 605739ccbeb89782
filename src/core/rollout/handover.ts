import { codeOf } from '../health/blame.ts';
import { awaitEngine, isRefused, refusal } from '../health/engine-verdict.ts';
import { SwapError } from '../model/error.ts';
import { leads } from '../traffic/routes.ts';
import { endForwardsTo, forwardToStandIn } from './forward.ts';
import type { Desired, Observed, Replica } from './observed.ts';
import type { Step } from './step.ts';

/**
 * The steps that the way `handover` adds to stop-first: a stand-in from the new image answers the published ports from
 * before the old container stops until after the new one is healthy, so that the ports change hands without a gap.
 */

/**
 * The next step of proving a stand-in; undefined once it is proven. It spends the settle time with the slot's traffic, while the
 * old container is still there and gets it back at once if the stand-in fails. A failed one is judged by the caller.
 */
export function proveStandIn(seen: Observed, standIn: Replica, old: Replica): Step | undefined {
  const { id: container, name, verdict } = standIn;
  if (verdict.kind === 'unstarted') return { kind: 'start', container, name };
  if (verdict.kind === 'waiting') return { kind: 'await-healthy', container, name };
  if (standIn.shut) return { kind: 'open', container, name };
  if (standIn.settled) return undefined;
  const taking = old.running ? takeTraffic(seen, standIn, old) : undefined;
  return taking ?? { kind: 'settle', container, name, brief: false };
}

function takeTraffic(seen: Observed, standIn: Replica, old: Replica): Step | undefined {
  return leads(seen.cover) ? forwardToStandIn(seen, standIn, old) : cover(seen, standIn, false);
}

/** Gives the ports back before a stand-in that failed is removed; undefined once nothing of them is led to it. */
export function giveBack(seen: Observed): Step | undefined {
  const { home: name } = seen.names;
  if (leads(seen.cover)) return { kind: 'uncover', name };
  return seen.cover === 'none' ? undefined : { kind: 'drop-cover', name };
}

/** Whether another container of its image has spent the settle time with the slot's traffic before. */
export function isProven({ strategy }: Pick<Replica, 'strategy'>): boolean {
  return strategy === 'handover';
}

/** What has to be done about the ports before the old container is stopped; undefined once they are safe. */
export function secure(desired: Desired, seen: Observed, standIn: Replica, old: Replica): Step | undefined {
  const taking = takeTraffic(seen, standIn, old);
  if (taking) return taking;
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

/** While the old container still serves there is no need to go on without what is to answer for it. */
export function lostStandIn(desired: Desired, seen: Observed, candidate: Replica): SwapError | undefined {
  if (candidate.strategy !== 'handover' || !seen.incumbent?.running) return undefined;
  if (!seen.standIn) return new SwapError('interrupted', 'a user or another program removed its stand-in');
  if (isRefused(desired, seen.standIn, seen.incumbent)) return refusal('its stand-in');
  const { verdict } = seen.standIn;
  return verdict.kind === 'failed'
    ? new SwapError(codeOf(verdict.blame), `its stand-in failed: ${verdict.reason}`)
    : undefined;
}
