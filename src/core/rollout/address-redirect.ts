import type { AddressRedirect } from '../traffic/routes.ts';
import type { Observed, Replica } from './observed.ts';
import type { Step } from './step.ts';

/**
 * The steps that redirect new connections inside a Docker network to the right container, whichever address the client has: the
 * engine's DNS names all running containers of a slot, and a client's cache may name a removed one.
 */

/** Once the ports are redirected to the stand-in, so are the incumbent's addresses. */
export function redirectToStandIn(seen: Observed, standIn: Replica, old: Replica): Step | undefined {
  return canRedirect(seen, old, standIn) ? redirectAddress(old, standIn) : undefined;
}

/** The next step to redirect all of the slot's addresses to the candidate; undefined once that is done. */
export function redirectToCandidate(seen: Observed, candidate: Replica): Step | undefined {
  const { incumbent, standIn } = seen;
  const from = [incumbent, standIn].find((one) => one && canRedirect(seen, one, candidate));
  return from && redirectAddress(from, candidate);
}

/** Ends the redirects to a container before its removal; undefined if there are none. */
export function endRedirectsTo(seen: Observed, to: Replica): Step | undefined {
  const [found] = live(seen).filter((one) => one.to === to.id);
  return found && end(seen, found.from, false);
}

/**
 * Ends the redirects from stopped containers, once proxies have had time to notice the stop; undefined if there are none. Comes
 * before any other step: the engine may give the address of such a container to another container.
 */
export function endRedirectsOfStopped(seen: Observed): Step | undefined {
  const { incumbent, candidate, standIn } = seen;
  const running = [incumbent, candidate, standIn].filter((one) => one?.running).map((one) => one?.id);
  const [found] = live(seen).filter((one) => !running.includes(one.from));
  return found && end(seen, found.from, true);
}

/** Ends redirects to a container that does not answer or no longer belongs to the slot. */
export function endDeadRedirect(seen: Observed): Step | undefined {
  const { incumbent, candidate, standIn } = seen;
  const able = [incumbent, candidate, standIn].filter((one) => one && answers(one)).map((one) => one?.id);
  const [found] = live(seen).filter((one) => !able.includes(one.to) && !isServed(seen, one));
  return found && end(seen, found.from, false);
}

// A container that served before the roll continues to, even if this run has not seen it healthy yet.
function isServed(seen: Observed, { from, to }: AddressRedirect): boolean {
  return (
    redirectedAside(seen, from).length > 0 &&
    [seen.incumbent, seen.standIn].some((one) => one?.id === to && one.running)
  );
}

/**
 * True: the gate redirects all new connections from a fresh container to a serving one: from the candidate, or from the stand-in to
 * the incumbent.
 */
export function isRedirectedBack(
  seen: Pick<Observed, 'incumbent' | 'candidate' | 'standIn' | 'addressRedirects'>,
  id: string,
): boolean {
  return redirectedAside(seen, id).some(({ percent }) => percent === undefined);
}

// All redirects by the gate, also of a share.
function redirectedAside(
  seen: Pick<Observed, 'incumbent' | 'candidate' | 'standIn' | 'addressRedirects'>,
  id: string,
): readonly AddressRedirect[] {
  const { incumbent, candidate, standIn } = seen;
  return live(seen).filter(
    ({ from, to }) => from === id && (from === candidate?.id || (from === standIn?.id && to === incumbent?.id)),
  );
}

/**
 * The container that answers at the addresses of a gated one: the incumbent; once it has stopped, the stand-in; while the
 * incumbent returns, the candidate.
 */
export function servingBeside({ incumbent, standIn, candidate }: Observed, id: string): Replica | undefined {
  const served = [incumbent, standIn].find((one) => one?.running && one.id !== id);
  return served ?? (candidate && candidate.id !== id && answers(candidate) ? candidate : undefined);
}

/** The same observation with every gated container marked as shut, no matter which process set the gate. */
export function withGates(seen: Observed): Observed {
  const view = (one: Replica | undefined): Replica | undefined =>
    one && isRedirectedBack(seen, one.id) ? { ...one, shut: true } : one;
  return { ...seen, candidate: view(seen.candidate), standIn: view(seen.standIn) };
}

/** True: connections may be redirected to the container. */
export function answers({ running, verdict, shut }: Replica): boolean {
  return running && verdict.kind === 'healthy' && !shut;
}

// A stopped container has no addresses any more.
export function canRedirect(seen: Observed, from: Replica, to: Replica): boolean {
  const tried = seen.addressRedirects.some(
    (one) => one.from === from.id && one.to === to.id && one.percent === undefined,
  );
  return seen.redirectsAddresses && !tried && from.running && from.id !== to.id;
}

export function live({ addressRedirects }: Pick<Observed, 'addressRedirects'>): Observed['addressRedirects'] {
  return addressRedirects.filter((one) => one.state === 'leads');
}

function redirectAddress(from: Replica, to: Replica): Step {
  return { kind: 'forward', container: from.id, name: from.name, to: to.id, toName: to.name };
}

function end({ incumbent, candidate, standIn, names }: Observed, from: string, linger: boolean): Step {
  const known = [incumbent, candidate, standIn].find((one) => one?.id === from);
  const gone = candidate && from !== candidate.replaces ? names.standIn : names.old;
  return { kind: 'end-forward', from, name: known?.name ?? gone, linger };
}
