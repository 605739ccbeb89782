import type { HostGroup } from '../inventory/inventory.ts';

/**
 * The state of one host in a roll of its group. `failed`: its old version serves; `attention`: nobody knows what it serves; `sick`:
 * the new version serves and was found bad while it baked; `back`: it was rolled and runs the old version again.
 */
export type HostState = 'waiting' | 'rolled' | 'unchanged' | 'failed' | 'attention' | 'sick' | 'back';

/** The state of the roll of a group. */
export interface OrderSeen {
  /** The state of every host that takes part, the canary host first. */
  readonly states: ReadonlyMap<string, HostState>;
  /** The hosts that were rolled, in the order in which they ended. */
  readonly finished: readonly string[];
  readonly baked: boolean;
  /** True: the roll was asked to end at the next boundary. */
  readonly stopped: boolean;
}

/** The next thing to do in the roll of a group. */
export type Move =
  | { readonly kind: 'roll'; readonly hosts: readonly string[] }
  | { readonly kind: 'bake'; readonly host: string }
  | { readonly kind: 'back'; readonly host: string }
  | { readonly kind: 'end' };

type Order = Pick<HostGroup, 'bakeMs' | 'atOnce' | 'onFailure'>;

/** Decides what comes next: the canary host, its bake, then the others, until the first failure. */
export function nextMove(order: Order, seen: OrderSeen): Move {
  const entries = [...seen.states];
  const inState = (...wanted: HostState[]): string[] =>
    entries.flatMap(([host, state]) => (wanted.includes(state) ? [host] : []));
  const [sick] = inState('sick');
  if (sick !== undefined) return { kind: 'back', host: sick };
  if (inState('attention').length > 0) return END;
  if (inState('failed', 'back').length > 0) return afterFailure(order, seen);
  const waiting = inState('waiting');
  const [canary] = entries;
  if (waiting.length === 0 || seen.stopped || !canary) return END;
  const [host, state] = canary;
  if (state === 'waiting') return { kind: 'roll', hosts: [host] };
  if (order.bakeMs > 0 && !seen.baked) return { kind: 'bake', host };
  return { kind: 'roll', hosts: waiting.slice(0, order.atOnce) };
}

const END: Move = { kind: 'end' };

// The host that ended last goes back first, so that the canary host, which was proven longest, goes back last.
function afterFailure({ onFailure }: Order, { states, finished }: OrderSeen): Move {
  if (onFailure === 'halt') return END;
  const host = finished.findLast((one) => states.get(one) === 'rolled');
  return host === undefined ? END : { kind: 'back', host };
}
