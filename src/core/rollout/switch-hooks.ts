import type { SwapError } from '../model/error.ts';
import { answers } from './address-redirect.ts';
import type { Observed, Replica } from './observed.ts';
import type { Step } from './step.ts';

/**
 * Hooks run between the incumbent's stop and its removal: until the stop, the engine's DNS names the incumbent as well, so a
 * proxy that reloads earlier gets both addresses.
 */

/** True: the slot is ready for its hooks. The incumbent's address is redirected until they are done. */
export function awaitsHooks(seen: Observed): boolean {
  const { hooks, incumbent, candidate, standIn, names } = seen;
  const over = !incumbent?.running && !standIn && candidate?.name === names.slotName && candidate.settled;
  return hooks.due.length > 0 && over && answers(candidate);
}

export function runHooks(seen: Observed): Step | undefined {
  return awaitsHooks(seen) ? { kind: 'run-hooks', name: seen.names.slotName, hooks: seen.hooks.due } : undefined;
}

/** Why the roll is undone although the candidate is healthy; undefined if it is not, or can't be without a gap. */
export function failedHook({ hooks, incumbent }: Observed, { strategy }: Replica): SwapError | undefined {
  if (!hooks.failed || strategy !== 'start-first' || !incumbent) return undefined;
  // If the incumbent does not come back, the candidate stays.
  return incumbent.running && incumbent.verdict.kind === 'failed' ? undefined : hooks.failed;
}

/** True: the container is the incumbent, returning behind the gate: the candidate serves until it is healthy. */
export function isReturning({ hooks, incumbent, candidate }: Observed, id: string): boolean {
  return hooks.failed !== undefined && id === incumbent?.id && candidate !== undefined && answers(candidate);
}

/** A serving candidate continues until the incumbent answers, and then hands over to it. */
export function handBack(seen: Observed, candidate: Replica, incumbent: Replica): Step | undefined {
  if (!seen.hooks.failed || !answers(candidate)) return undefined;
  const { id: container, name, verdict } = incumbent;
  if (verdict.kind === 'waiting') return { kind: 'await-healthy', container, name };
  const tried = seen.addressRedirects.some((one) => one.from === candidate.id && one.to === container);
  if (seen.redirectsAddresses && !tried && answers(incumbent))
    return { kind: 'forward', container: candidate.id, name: candidate.name, to: container, toName: name };
  return undefined;
}
