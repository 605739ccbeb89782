import { connectionSet, FAMILIES, type Family, flowKey, flowSet, flows, OPENS } from '../flows.ts';

/**
 * NAT rules see only the first packet of a connection. If nobody answers that SYN (a full backlog, a container that has just
 * stopped), its entry in connection tracking sends every retransmission past rules that were added since. These rules drop
 * such a retransmission, and connection tracking takes the next one for a new connection, in a zone of its own.
 */

// Connection tracking is -200, and NAT of destinations -100.
const BEFORE_TRACKING = -300;
const BETWEEN_TRACKING_AND_NAT = -150;
// Any number that nothing else uses on a container host: zones matter to Open vSwitch and Kubernetes plugins.
const ZONE = 21_335;
// Longer than a client tries: 127 s with the kernel's default of 6 retransmissions.
const RETRIES_END = '5m';

/** Sets of the host's `inet` table: SYNs that nobody has answered, and the connections that began anew. */
export function unansweredSets(): string[] {
  return FAMILIES.flatMap((family) => [...connectionSet(unanswered(family), family, RETRIES_END), ...flowSet(family)]);
}

/** A chain of a table: its name, where the kernel calls it, and its rules. */
export interface BareChain {
  readonly name: string;
  readonly hook: string;
  readonly rules: readonly string[];
}

/** Chains of the same table. `pre` and `out`: `retransmitted` rules for arriving packets and for the host's own. */
export function unansweredChains(pre: readonly string[], out: readonly string[]): BareChain[] {
  const tracked = FAMILIES.flatMap(trackedAnew);
  return [
    chain('zone_pre', 'prerouting', BEFORE_TRACKING, tracked),
    chain('zone_out', 'output', BEFORE_TRACKING, tracked),
    chain('unanswered_pre', 'prerouting', BETWEEN_TRACKING_AND_NAT, pre),
    chain('unanswered_out', 'output', BETWEEN_TRACKING_AND_NAT, out),
  ];
}

/** A rule for the SYNs that `match`, if their connection still waits for an answer from this address. */
export function retransmitted(family: Family, match: string, address: string): string {
  const waits = `ct state new ct status confirmed ct reply ${family} saddr ${address}`;
  return `${match} ${waits} update @${unanswered(family)} { ${flowKey(family)} } drop`;
}

function unanswered(family: Family): string {
  return `unanswered_${family}`;
}

// Not before one more SYN: a client that got an answer after all sends none, and must keep its entry in connection tracking.
function trackedAnew(family: Family): string[] {
  const known = `@${flows(family)}`;
  const flow = `${known} { ${flowKey(family)} }`;
  return [
    `${OPENS} ${flowKey(family)} @${unanswered(family)} update ${flow}`,
    `${flowKey(family)} ${known} update ${flow} ct original zone set ${ZONE}`,
  ];
}

function chain(name: string, hook: string, priority: number, rules: readonly string[]): BareChain {
  return { name, hook: `type filter hook ${hook} priority ${priority}`, rules };
}
