import type { Forward } from '../traffic/routes.ts';
import type { Observed, Replica } from './observed.ts';
import type { Step } from './step.ts';

/**
 * The steps by which new connections inside a Docker network go to whoever is to have them, whichever address their client
 * has: the engine's DNS names all containers of a slot while they run, and what a client has cached names one that may be gone.
 */

/** From when on the ports are led to the stand-in, so is what comes for the old container's addresses. */
export function forwardToStandIn(seen: Observed, standIn: Replica, old: Replica): Step | undefined {
  return canForward(seen, old, standIn) ? forward(old, standIn) : undefined;
}

/** The next step after which all of the slot's addresses lead to the candidate; undefined once they do. */
export function forwardToCandidate(seen: Observed, candidate: Replica): Step | undefined {
  const { incumbent, standIn } = seen;
  const from = [incumbent, standIn].find((one) => one && canForward(seen, one, candidate));
  return from && forward(from, candidate);
}

/** Ends what leads to a container, since that one is to go; undefined once nothing does. */
export function endForwardsTo(seen: Observed, to: Replica): Step | undefined {
  const [found] = live(seen).filter((one) => one.to === to.id);
  return found && end(seen, found.from, false);
}

/**
 * Ends what leads from containers that are down, after those who have just learnt of that had time to act on it; undefined once
 * nothing does. At once, before anything else: the engine may give the address of such a container to somebody else's.
 */
export function endForwardsOfTheDead(seen: Observed): Step | undefined {
  const { incumbent, candidate, standIn } = seen;
  const running = [incumbent, candidate, standIn].filter((one) => one?.running).map((one) => one?.id);
  const [found] = live(seen).filter((one) => !running.includes(one.from));
  return found && end(seen, found.from, true);
}

/** Ends what leads to a container that does not answer, or is none of the slot's any more. */
export function endDeadForward(seen: Observed): Step | undefined {
  const { incumbent, candidate, standIn } = seen;
  const able = [incumbent, candidate, standIn].filter((one) => one && answers(one)).map((one) => one?.id);
  const [found] = live(seen).filter((one) => !able.includes(one.to) && !isServed(seen, one));
  return found && end(seen, found.from, false);
}

// A container that served before the roll goes on, even if this run has not seen it healthy yet.
function isServed(seen: Observed, { from, to }: Forward): boolean {
  return isLedBack(seen, from) && [seen.incumbent, seen.standIn].some((one) => one?.id === to && one.running);
}

/**
 * Whether the gate redirects new connections to a fresh container to one that serves: away from the candidate, or from the stand-in to
 * the incumbent.
 */
export function isLedBack(
  seen: Pick<Observed, 'incumbent' | 'candidate' | 'standIn' | 'forwarding'>,
  id: string,
): boolean {
  const { incumbent, candidate, standIn } = seen;
  return live(seen).some(
    ({ from, to }) => from === id && (from === candidate?.id || (from === standIn?.id && to === incumbent?.id)),
  );
}

/**
 * Who answers at the addresses of a container behind the gate: the incumbent, once that is stopped the stand-in, and while the incumbent
 * returns the candidate.
 */
export function servingBeside({ incumbent, standIn, candidate }: Observed, id: string): Replica | undefined {
  const served = [incumbent, standIn].find((one) => one?.running && one.id !== id);
  return served ?? (candidate && candidate.id !== id && answers(candidate) ? candidate : undefined);
}

/** The same look, in which a container behind the gate is shut, whichever process has shut it. */
export function withGates(seen: Observed): Observed {
  const view = (one: Replica | undefined): Replica | undefined =>
    one && isLedBack(seen, one.id) ? { ...one, shut: true } : one;
  return { ...seen, candidate: view(seen.candidate), standIn: view(seen.standIn) };
}

/** Whether connections may be led to a container. */
export function answers({ running, verdict, shut }: Replica): boolean {
  return running && verdict.kind === 'healthy' && !shut;
}

// One that is down has no addresses any more.
function canForward(seen: Observed, from: Replica, to: Replica): boolean {
  const tried = seen.forwarding.some((one) => one.from === from.id && one.to === to.id);
  return seen.forwards && !tried && from.running && from.id !== to.id;
}

function live({ forwarding }: Pick<Observed, 'forwarding'>): Observed['forwarding'] {
  return forwarding.filter((one) => one.state === 'leads');
}

function forward(from: Replica, to: Replica): Step {
  return { kind: 'forward', container: from.id, name: from.name, to: to.id, toName: to.name };
}

function end({ incumbent, candidate, standIn, names }: Observed, from: string, linger: boolean): Step {
  const known = [incumbent, candidate, standIn].find((one) => one?.id === from);
  const gone = candidate && from !== candidate.replaces ? names.standIn : names.old;
  return { kind: 'end-forward', from, name: known?.name ?? gone, linger };
}
