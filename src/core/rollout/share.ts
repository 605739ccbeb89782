import { SwapError } from '../model/error.ts';
import { isActive } from '../traffic/routes.ts';
import { canRedirect, live } from './address-redirect.ts';
import type { Desired, Observed, Replica } from './observed.ts';
import type { Step } from './step.ts';

/**
 * The steps of a canary without a proxy: a share of the new connections goes to a fresh container, by each address and port. Of those
 * to the address of the fresh container the same share stays, and the others go to the incumbent.
 */

/** The next step to let clients reach a healthy container, first with a share of the connections; undefined once all may. */
export function letIn(desired: Desired, seen: Observed, young: Replica): Step | undefined {
  const { id: container, name, shut } = young;
  const isKept = shut || isPartlyRedirectedBack(seen, young);
  return shareWith(desired, seen, young) ?? (isKept ? { kind: 'open', container, name } : undefined);
}

function shareWith({ canary, back }: Desired, seen: Observed, young: Replica): Step | undefined {
  const { incumbent } = seen;
  // A rollback is urgent.
  if (!canary || back || !incumbent?.running || isPast(seen, incumbent, young)) return undefined;
  const { id: container, name } = young;
  const { percent, ms } = canary;
  return isShared(seen, incumbent, young, percent)
    ? { kind: 'canary', container, name, percent, of: 'new connections', ms }
    : { kind: 'share', container, name, from: incumbent.id, percent };
}

function isPast(seen: Observed, incumbent: Replica, young: Replica): boolean {
  const hasAll = isActive(seen.portRedirect) || !canRedirect(seen, incumbent, young);
  return seen.watched.includes(young.id) || hasAll || incumbent.name !== seen.names.slotName;
}

function isShared(seen: Observed, incumbent: Replica, young: Replica, percent: number): boolean {
  const ofPorts = young.id !== seen.standIn?.id || seen.portRedirect === 'shared';
  return (
    ofPorts &&
    shareOf(seen, incumbent.id, young.id) === percent &&
    shareOf(seen, young.id, incumbent.id) === 100 - percent
  );
}

function shareOf(seen: Observed, from: string, to: string): number | undefined {
  return live(seen).find((one) => one.from === from && one.to === to)?.percent;
}

/** True: a fresh container gets only a share of the new connections to its own address. */
export function isPartlyRedirectedBack(seen: Pick<Observed, 'addressRedirects'>, { id }: Pick<Replica, 'id'>): boolean {
  return live(seen).some(({ from, percent }) => from === id && percent !== undefined);
}

/** The reason for a recovery to undo: the roll ended before its canary. */
export function whyNotShared(
  { canary, recoveryOnly, back }: Desired,
  { incumbent, names }: Observed,
  { strategy }: Replica,
): SwapError | undefined {
  const isBefore = strategy === 'start-first' && incumbent?.running && incumbent.name === names.slotName;
  if (!canary || !recoveryOnly || back || !isBefore) return undefined;
  return new SwapError('interrupted', 'the roll ended before the new container had passed its canary (swapctl.canary)');
}

/** True: a container has, or had, a share of the connections. */
export function hadShare({ addressRedirects }: Observed, { id }: Replica): boolean {
  return addressRedirects.some(({ to, percent }) => to === id && percent !== undefined);
}

/** Ends the share of a fresh container at its own address; undefined once it has none, or a rule is impossible. */
export function endShare(seen: Observed, young: Replica): Step | undefined {
  const { incumbent } = seen;
  if (!incumbent?.running || !isPartlyRedirectedBack(seen, young) || !canRedirect(seen, young, incumbent))
    return undefined;
  return { kind: 'share', container: young.id, name: young.name, from: incumbent.id, percent: 0 };
}

/** The rules at the begin or the end of a canary, for a dry run. */
export function sharedRules(seen: Observed, { container, from, percent }: Extract<Step, { kind: 'share' }>): Observed {
  const others = seen.addressRedirects.filter(
    (one) => one.state !== 'leads' || (one.from !== from && one.from !== container),
  );
  const redirected = { from: container, to: from, state: 'leads' as const };
  if (percent === 0) return { ...seen, addressRedirects: [...others, redirected] };
  const addressRedirects = [
    ...others,
    { ...redirected, percent: 100 - percent },
    { from, to: container, state: 'leads' as const, percent },
  ];
  return { ...seen, addressRedirects, portRedirect: container === seen.standIn?.id ? 'shared' : seen.portRedirect };
}
