import { PROBE_PORTS } from './gate.ts';

/**
 * One network that two containers share: new connections to the address of one are led to the other. They are bridged, so
 * the kernel of the host sees them go by below IP, where it can send a packet on to another container by its MAC address
 * (bridge family of nftables); that one takes the packets for its own by a translation in its own network namespace, so that
 * it sees the true address of its client. Nothing of this passes the container whose address it is, so that connections
 * survive its end.
 */
export interface Lane {
  readonly family: 'ip' | 'ip6';
  /** Host interface of the network. */
  readonly device: string;
  readonly from: { readonly ip: string; readonly mac: string };
  readonly to: { readonly ip: string; readonly mac: string };
}

const PREFIX = 'swapctl-moved-';
const ID_LENGTH = 12;

/** The name of the tables that lead from one container to another, in the host's namespace and in that of the other. */
export function forwardTable(from: string, to: string): string {
  return `${PREFIX}${from.slice(0, ID_LENGTH)}-${to.slice(0, ID_LENGTH)}`;
}

/** The two containers (beginnings of their ids) of such a table; undefined if it is none. */
export function forwardEnds(table: string): { from: string; to: string } | undefined {
  const [, from, to] = new RegExp(`^${PREFIX}([0-9a-f]{${ID_LENGTH}})-([0-9a-f]{${ID_LENGTH}})$`).exec(table) ?? [];
  return from && to ? { from, to } : undefined;
}

// Before the engine's own chains (-100), and before connection tracking looks at bridged packets.
const BEFORE_ENGINE = -105;
const BEFORE_BRIDGE_NAT = -305;
const OPENS = 'tcp flags & (fin | syn | rst | ack) == syn';
// As long as a connection may be silent; each packet begins it anew.
const IDLE = '1h';
const MOST_CONNECTIONS = 65_535;

/** One nft transaction for the host's namespace: leads new connections for a while, and those that it led to their end. */
export function hostScript(table: string, lanes: readonly Lane[], lifetimeMs: number): string {
  return [
    `table bridge ${table} {`,
    ...liveSet(lifetimeMs),
    ...flowSet('ip', 'ipv4_addr'),
    ...flowSet('ip6', 'ipv6_addr'),
    '  chain pre {',
    `    type filter hook prerouting priority ${BEFORE_BRIDGE_NAT}; policy accept;`,
    ...lanes.flatMap(bridged),
    '  }',
    '}',
    `table inet ${table} {`,
    ...liveSet(lifetimeMs),
    '  chain pre {',
    `    type nat hook prerouting priority ${BEFORE_ENGINE}; policy accept;`,
    ...lanes.map((lane) => `    iifname != "${lane.device}" ${routed(lane)}`),
    '  }',
    '  chain out {',
    `    type nat hook output priority ${BEFORE_ENGINE}; policy accept;`,
    // Probes mean the very container that has the address by now.
    ...lanes.map((lane) => `    tcp sport != ${PROBE_PORTS.first}-${PROBE_PORTS.last} ${routed(lane)}`),
    '  }',
    '}',
    '',
  ].join('\n');
}

/** One nft transaction for the namespace of the container that is led to: what is for the other's address is for it. */
export function targetScript(table: string, lanes: readonly Lane[]): string {
  return [
    `table inet ${table}`,
    `delete table inet ${table}`,
    `table inet ${table} {`,
    '  chain pre {',
    `    type nat hook prerouting priority ${BEFORE_ENGINE}; policy accept;`,
    ...lanes.map(taken),
    '  }',
    // Its own connections to that address (a service that calls itself by its name) have no way over the bridge.
    '  chain out {',
    `    type nat hook output priority ${BEFORE_ENGINE}; policy accept;`,
    ...lanes.map(taken),
    '  }',
    '}',
    '',
  ].join('\n');
}

/** One nft transaction after which new connections are led for so long from now. */
export function renewScript(table: string, lifetimeMs: number): string {
  return FAMILIES.map(
    (family) =>
      `flush set ${family} ${table} live\nadd element ${family} ${table} live { tcp ${timeout(lifetimeMs)} }\n`,
  ).join('');
}

/** One nft transaction after which no new connection is led any more, while those that were go on. */
export function haltScript(table: string): string {
  return FAMILIES.map((family) => `flush set ${family} ${table} live\n`).join('');
}

/** One nft transaction after which the tables of the host's namespace are not there, whether they were or not. */
export function clearHostScript(table: string): string {
  return FAMILIES.map((family) => `table ${family} ${table}\ndelete table ${family} ${table}\n`).join('');
}

const FAMILIES = ['bridge', 'inet'] as const;

/** The connections that a bridge table, as nft prints it, still leads: `address . port` of each client. */
export function ledClients(printed: string): { address: string; port: number }[] {
  const elements = [...printed.matchAll(/([0-9a-fA-F.:]+) \. (\d+) \. [0-9a-fA-F.:]+ \. \d+ expires/g)];
  return elements.map(([, address = '', port]) => ({ address, port: Number(port) }));
}

/** Whether a table, as nft prints it, still leads new connections. Without /etc/protocols it prints numbers. */
export function isLive(printed: string): boolean {
  return /\b(tcp|6) (timeout \S+ )?expires/.test(printed);
}

function liveSet(lifetimeMs: number): string[] {
  return [
    '  set live {',
    '    type inet_proto; flags timeout;',
    `    elements = { tcp ${timeout(lifetimeMs)} }`,
    '  }',
  ];
}

function flowSet(family: string, address: string): string[] {
  return [
    `  set flows_${family} {`,
    `    type ${address} . inet_service . ${address} . inet_service;`,
    `    size ${MOST_CONNECTIONS}; flags dynamic,timeout; timeout ${IDLE};`,
    '  }',
  ];
}

function taken({ family, from, to }: Lane): string {
  return `    ${family} daddr ${from.ip} meta l4proto tcp dnat ${family} to ${to.ip}`;
}

// A connection that was not led when it began is not led later, even if one from the same port was before it. All lanes share
// the sets of flows, so each of them says which address is its own.
function bridged({ family, from, to }: Lane): string[] {
  const key = `{ ${family} saddr . tcp sport . ${family} daddr . tcp dport }`;
  const flows = `@flows_${family}`;
  const opens = `${family} daddr ${from.ip} ether daddr ${from.mac} ${OPENS}`;
  return [
    `${opens} meta l4proto @live update ${flows} ${key}`,
    `${family} daddr ${from.ip} ${OPENS} meta l4proto != @live delete ${flows} ${key}`,
    `${family} daddr ${from.ip} ${family} saddr . tcp sport . ${family} daddr . tcp dport ${flows} update ${flows} ${key} ether daddr set ${to.mac}`,
  ].map((rule) => `    ${rule}`);
}

function routed({ family, from, to }: Lane): string {
  return `${family} daddr ${from.ip} ${OPENS} meta l4proto @live dnat ${family} to ${to.ip}`;
}

function timeout(lifetimeMs: number): string {
  return `timeout ${Math.ceil(lifetimeMs / 1000)}s`;
}
