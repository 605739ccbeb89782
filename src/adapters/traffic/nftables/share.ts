import type { Family } from '../flows.ts';
import { objectsOf, type Table } from './table.ts';

// Fixed, so that each rule decides the same for all SYNs of a connection.
const SEED = '0x73776170';

/**
 * Matches that share of the connections of a family, by client address and port. A random number would not do: a client whose SYN is
 * lost sends another one, which must go the same way.
 */
export function ofShare(family: Family, protocol: 'tcp' | 'udp', percent: number | undefined): string {
  return percent === undefined ? '' : ` ${hash(family, protocol)} < ${percent}`;
}

/** Matches the other connections; empty if there are none. */
export function beyondShare(family: Family, protocol: 'tcp' | 'udp', percent: number | undefined): string {
  return percent === undefined ? '' : ` ${hash(family, protocol)} >= ${percent}`;
}

function hash(family: Family, protocol: 'tcp' | 'udp'): string {
  return `jhash ${family} saddr . ${protocol} sport mod 100 seed ${SEED}`;
}

/** The share that the rules of a table match; undefined: all. */
export function shareIn(table: Table): number | undefined {
  const matches = objectsOf(table, 'rule').flatMap(({ expr }) => (Array.isArray(expr) ? expr : []));
  const shares = matches.flatMap(({ match }) =>
    match?.left?.jhash && match.op === '<' && typeof match.right === 'number' ? [match.right] : [],
  );
  return shares[0];
}
