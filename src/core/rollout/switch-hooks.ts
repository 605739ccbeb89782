import type { SwapError } from '../model/error.ts';
import { answers } from './forward.ts';
import type { Observed, Replica } from './observed.ts';
import type { Step } from './step.ts';

/**
 * Hooks run between the old container's stop and its removal: until it stops, the engine's DNS names it as well, so that a proxy
 * which is reloaded earlier gets both addresses.
 */

/** Whether nothing is between the slot and its hooks. The old container's address is redirected until they are done. */
export function awaitsHooks(seen: Observed): boolean {
  const { hooks, incumbent, candidate, standIn, names } = seen;
  const over = !incumbent?.running && !standIn && candidate?.name === names.home && candidate.settled;
  return hooks.due.length > 0 && over && answers(candidate);
}

export function runHooks(seen: Observed): Step | undefined {
  return awaitsHooks(seen) ? { kind: 'run-hooks', name: seen.names.home, hooks: seen.hooks.due } : undefined;
}

/** Why the roll goes back although the candidate is well; undefined where it does not, or can't without a gap. */
export function failedHook({ hooks, incumbent }: Observed, { strategy }: Replica): SwapError | undefined {
  if (!hooks.failed || strategy !== 'start-first' || !incumbent) return undefined;
  // One that does not come back leaves the candidate where it is.
  return incumbent.running && incumbent.verdict.kind === 'failed' ? undefined : hooks.failed;
}

/** Whether a container is the old one on its way back, behind the gate: the candidate serves until it is healthy. */
export function isReturning({ hooks, incumbent, candidate }: Observed, id: string): boolean {
  return hooks.failed !== undefined && id === incumbent?.id && candidate !== undefined && answers(candidate);
}

/** A candidate that serves goes on doing so until the old container answers, and then hands over to it. */
export function handBack(seen: Observed, candidate: Replica, incumbent: Replica): Step | undefined {
  if (!seen.hooks.failed || !answers(candidate)) return undefined;
  const { id: container, name, verdict } = incumbent;
  if (verdict.kind === 'waiting') return { kind: 'await-healthy', container, name };
  const tried = seen.forwarding.some((one) => one.from === candidate.id && one.to === container);
  if (seen.forwards && !tried && answers(incumbent))
    return { kind: 'forward', container: candidate.id, name: candidate.name, to: container, toName: name };
  return undefined;
}
