import type { Container } from './container.ts';
import { exclusives, type Exclusive } from './exclusive.ts';
import type { Policy } from './policy.ts';

/** The order in which a slot's containers are swapped. */
export type Way = 'start-first' | 'stop-first';

/** What a user may ask for; `auto` lets the planner pick. */
export type Strategy = 'auto' | Way;

/** The chosen way and the one sentence that says why, naming the setting that changes it. */
export interface Choice {
  readonly way: Way;
  /** Whether the image is proven beside the old container before that one is stopped. */
  readonly rehearse: boolean;
  readonly because: string;
}

export type WayDecision = ({ readonly kind: 'way' } & Choice) | { readonly kind: 'refuse'; readonly message: string; readonly hint: string };

/** Picks the way for one container. `start-first` is refused where the engine could not run the two side by side. */
export function chooseWay(container: Container, policy: Policy): WayDecision {
  const all = exclusives(container);
  const held = all.filter((thing) => thing.hard || (policy.volumes === 'exclusive' && thing.kind === 'volume') || thing.kind === 'device');
  if (policy.strategy === 'start-first') return askedStartFirst(held);
  if (policy.strategy === 'stop-first') return stopFirst(held, policy, 'swapctl.strategy=stop-first asks for it');
  const [first, ...rest] = held;
  if (!first) return { kind: 'way', way: 'start-first', rehearse: false, because: startFirstReason(all) };
  const more = rest.length > 0 ? ` (and ${rest.length} more such thing${rest.length > 1 ? 's' : ''})` : '';
  return stopFirst(held, policy, `${first.what}${more}, which two containers can't ${first.hard ? 'have' : 'safely share'} at once; ${first.setting}`);
}

function askedStartFirst(held: readonly Exclusive[]): WayDecision {
  const impossible = held.find((thing) => thing.hard);
  if (!impossible) return { kind: 'way', way: 'start-first', rehearse: false, because: 'swapctl.strategy=start-first asks for it' };
  return {
    kind: 'refuse',
    message: `start-first is impossible: it ${impossible.what}, which two containers can't have at once`,
    hint: 'take the label swapctl.strategy=start-first away, or set it to stop-first',
  };
}

function startFirstReason(all: readonly Exclusive[]): string {
  if (all.length > 0) return 'swapctl.volumes=shared says that a second writer on its volumes is harmless';
  return 'it holds nothing that two containers could not have at once; swapctl.strategy=stop-first changes it';
}

// A rehearsal runs beside the old container without the exclusive things, so it proves nothing where the app needs
// them (a volume, a device, the host's network): there the old container itself is the way back.
function stopFirst(held: readonly Exclusive[], policy: Policy, because: string): WayDecision {
  const rehearse = policy.rehearsal && held.every((thing) => thing.rehearsable);
  return { kind: 'way', way: 'stop-first', rehearse, because };
}
