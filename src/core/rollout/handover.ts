import { codeOf } from '../health/blame.ts';
import { awaitEngine, isRefused, refusal } from '../health/engine-verdict.ts';
import { SwapError } from '../model/error.ts';
import { isActive, isAnyActive } from '../traffic/routes.ts';
import { endRedirectsTo, redirectToStandIn } from './address-redirect.ts';
import type { Desired, Observed, Replica } from './observed.ts';
import { endShare, letIn } from './share.ts';
import type { Step } from './step.ts';

/**
 * The steps that the strategy `handover` adds to stop-first: a stand-in of the new image answers at the published ports from
 * before the incumbent stops until the candidate is healthy, so there is no gap.
 */

/**
 * The next step of proving a stand-in; undefined once it is proven. It takes the slot's traffic for the settle time, while the
 * incumbent is still there to take it back if the stand-in fails. The caller judges a failed one.
 */
export function proveStandIn(desired: Desired, seen: Observed, standIn: Replica, old: Replica): Step | undefined {
  const { id: container, name, verdict } = standIn;
  if (verdict.kind === 'unstarted') return { kind: 'start', container, name };
  if (verdict.kind === 'waiting') return { kind: 'await-healthy', container, name };
  const entering = letIn(desired, seen, standIn);
  if (entering) return entering;
  if (standIn.settled) return undefined;
  const taking = old.running ? takeTraffic(seen, standIn, old) : undefined;
  return taking ?? { kind: 'settle', container, name, brief: false };
}

function takeTraffic(seen: Observed, standIn: Replica, old: Replica): Step | undefined {
  return isActive(seen.portRedirect) ? redirectToStandIn(seen, standIn, old) : redirectPorts(seen, standIn, false);
}

/** Returns the ports before a failed stand-in is removed; undefined once no port is redirected to it. */
export function giveBack(seen: Observed): Step | undefined {
  const { slotName: name } = seen.names;
  if (isAnyActive(seen.portRedirect)) return { kind: 'uncover', name };
  return seen.portRedirect === 'none' ? undefined : { kind: 'drop-cover', name };
}

/** True: another container of the same image has already taken the slot's traffic for the settle time. */
export function isProven({ strategy }: Pick<Replica, 'strategy'>): boolean {
  return strategy === 'handover';
}

/** The next step for the ports before the incumbent stops; undefined once they are safe. */
export function secure(desired: Desired, seen: Observed, standIn: Replica, old: Replica): Step | undefined {
  const taking = letIn(desired, seen, standIn) ?? takeTraffic(seen, standIn, old);
  if (taking) return taking;
  const awaited = awaitEngine(desired, standIn, old);
  if (awaited) return awaited;
  if (!old.drained) return { kind: 'drain', container: old.id, name: old.name };
  return undefined;
}

/** Redirects the slot's ports to the stand-in; without a time limit once the incumbent is to release them. */
export function redirectPorts(seen: Observed, standIn: Replica, lasting: boolean): Step {
  return { kind: 'cover', name: seen.names.slotName, standIn: standIn.id, lasting };
}

/** The next step of removing a stand-in after the slot's own container answers again; undefined once it is gone. */
export function retireStandIn(seen: Observed): Step | undefined {
  if (isAnyActive(seen.portRedirect)) return { kind: 'uncover', name: seen.names.slotName };
  const { standIn } = seen;
  if (!standIn) return undefined;
  const redirected = endRedirectsTo(seen, standIn) ?? endShare(seen, standIn);
  if (redirected) return redirected;
  const { id: container, name } = standIn;
  // A stand-in that never took traffic has no connections to drain.
  if (standIn.running) return { kind: standIn.drained ? 'stop' : 'drain', container, name };
  if (seen.portRedirect !== 'none') return { kind: 'drop-cover', name: seen.names.slotName };
  return { kind: 'remove', container, name };
}

/** The stand-in answers while the incumbent is brought back; undefined once the incumbent answers. */
export function redirectDuringReturn(seen: Observed, old: Replica): Step | undefined {
  const { standIn } = seen;
  if (standIn?.verdict.kind !== 'healthy') return undefined;
  if (!old.running && seen.portRedirect !== 'lasting') return redirectPorts(seen, standIn, true);
  return undefined;
}

/** While the incumbent still serves, the roll need not go on without a stand-in. */
export function lostStandIn(desired: Desired, seen: Observed, candidate: Replica): SwapError | undefined {
  if (candidate.strategy !== 'handover' || !seen.incumbent?.running) return undefined;
  if (!seen.standIn) return new SwapError('interrupted', 'a user or another program removed its stand-in');
  if (isRefused(desired, seen.standIn, seen.incumbent)) return refusal('its stand-in');
  const { verdict } = seen.standIn;
  return verdict.kind === 'failed'
    ? new SwapError(codeOf(verdict.blame), `its stand-in failed: ${verdict.reason}`)
    : undefined;
}
