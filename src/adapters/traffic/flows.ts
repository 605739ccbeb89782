/** Sets of connections, one for each family of addresses. */
export const FAMILIES = ['ip', 'ip6'] as const;

export type Family = (typeof FAMILIES)[number];

/** Matches the first packet of a connection, and each retransmission of it. */
export const OPENS = 'tcp flags & (fin | syn | rst | ack) == syn';

// As long as a connection may be silent; each packet restarts it.
const IDLE = '1h';
const MOST_CONNECTIONS = 65_535;

/** The set of redirected connections in the host's tables. */
export function flows(family: Family): string {
  return `flows_${family}`;
}

/** The key of a connection. */
export function flowKey(family: Family): string {
  return `${family} saddr . tcp sport . ${family} daddr . tcp dport`;
}

export function flowSet(family: Family): string[] {
  return connectionSet(flows(family), family, IDLE);
}

/** Declares a set whose elements go after the timeout, unless they are updated. */
export function connectionSet(name: string, family: Family, timeout: string): string[] {
  return [
    `  set ${name} {`,
    `    typeof ${flowKey(family)};`,
    `    size ${MOST_CONNECTIONS}; flags dynamic,timeout; timeout ${timeout};`,
    '  }',
  ];
}
