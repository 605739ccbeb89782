import type { Observed, Replica } from './observed.ts';
import type { Step } from './step.ts';

/**
 * The steps by which new connections inside a Docker network go to the successor from the switch on, whichever address their
 * client has: the engine's DNS names both containers while both run, and what a client has cached names the old one.
 */

/** Whether they are still to be led: two that never run at once have nothing to lead. */
export function isForwardable(seen: Observed, old: Replica, candidate: Replica): boolean {
  return seen.forwards && !seen.forwarding && old.running && candidate.way === 'start-first';
}

/** Leads new connections to the old container to its successor. */
export function forward(old: Replica, candidate: Replica): Step {
  return { kind: 'forward', container: old.id, name: old.name, to: candidate.id };
}

/** Leads them no more; `linger`: only after those who have just learnt of the old container's end had time to learn it. */
export function endForward({ incumbent, candidate, names }: Observed, linger: boolean): Step {
  const from = incumbent?.id ?? candidate?.replaces ?? '';
  return { kind: 'end-forward', from, name: incumbent?.name ?? names.old, linger };
}
