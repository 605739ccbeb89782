import { PROBE_PORTS } from './gate.ts';
import { type Script, script } from './script.ts';
import { elementsOf, type Table } from './table.ts';

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
export function hostScript(table: string, lanes: readonly Lane[], lifetimeMs: number): Script {
  return script([
    `table bridge ${table} {`,
    ...LANE_FAMILIES.flatMap(liveSet),
    ...LANE_FAMILIES.flatMap(flowSet),
    '  chain pre {',
    `    type filter hook prerouting priority ${BEFORE_BRIDGE_NAT}; policy accept;`,
    ...lanes.flatMap(bridged),
    '  }',
    '}',
    `table inet ${table} {`,
    ...LANE_FAMILIES.flatMap(liveSet),
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
    ...liveElements(table, lanes, lifetimeMs),
  ]);
}

/** One nft transaction for the namespace of the container that is led to: what is for the other's address is for it. */
export function targetScript(table: string, lanes: readonly Lane[]): Script {
  return script([
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
  ]);
}

/** One nft transaction after which new connections to the addresses of these lanes are led for so long from now. */
export function renewScript(table: string, lanes: readonly Lane[], lifetimeMs: number): Script {
  return script([...flushes(table), ...liveElements(table, lanes, lifetimeMs)]);
}

/** One nft transaction after which no new connection is led any more, while those that were go on. */
export function haltScript(table: string): Script {
  return script(flushes(table));
}

/** One nft transaction after which the tables of the host's namespace are not there, whether they were or not. */
export function clearHostScript(table: string): Script {
  return script(FAMILIES.flatMap((family) => [`table ${family} ${table}`, `delete table ${family} ${table}`]));
}

const FAMILIES = ['bridge', 'inet'] as const;
const LANE_FAMILIES = ['ip', 'ip6'] as const;

function live(family: Lane['family']): string {
  return `live_${family}`;
}

function flows(family: Lane['family']): string {
  return `flows_${family}`;
}

/** The connections that a bridge table still leads: address and port of each client. */
export function ledClients(table: Table): { address: string; port: number }[] {
  return LANE_FAMILIES.flatMap((family) => elementsOf(table, flows(family))).map(({ value: [address, port] }) => ({
    address: String(address),
    port: Number(port),
  }));
}

/** Whether a table still leads new connections. */
export function isLive(table: Table): boolean {
  return LANE_FAMILIES.some((family) => elementsOf(table, live(family)).length > 0);
}

function flushes(table: string): string[] {
  return FAMILIES.flatMap((family) => LANE_FAMILIES.map((ip) => `flush set ${family} ${table} ${live(ip)}`));
}

// By address, since every other match that is true for all connections would contradict the match on TCP (nft 1.1.3 refuses it).
function liveSet(family: Lane['family']): string[] {
  return [`  set ${live(family)} {`, `    typeof ${family} daddr; flags timeout;`, '  }'];
}

// Not in the set's own block: nft 1.1.3 crashes on a transaction that declares a set with elements and flushes it.
function liveElements(table: string, lanes: readonly Lane[], lifetimeMs: number): string[] {
  return LANE_FAMILIES.flatMap((ip) => {
    const addresses = [...new Set(lanes.filter((lane) => lane.family === ip).map(({ from }) => from.ip))];
    if (addresses.length === 0) return [];
    const elements = addresses.map((address) => `${address} ${timeout(lifetimeMs)}`).join(', ');
    return FAMILIES.map((family) => `add element ${family} ${table} ${live(ip)} { ${elements} }`);
  });
}

function flowSet(family: Lane['family']): string[] {
  return [
    `  set ${flows(family)} {`,
    `    typeof ${flowKey(family)};`,
    `    size ${MOST_CONNECTIONS}; flags dynamic,timeout; timeout ${IDLE};`,
    '  }',
  ];
}

function flowKey(family: Lane['family']): string {
  return `${family} saddr . tcp sport . ${family} daddr . tcp dport`;
}

function taken({ family, from, to }: Lane): string {
  return `    ${family} daddr ${from.ip} meta l4proto tcp dnat ${family} to ${to.ip}`;
}

// A connection that was not led when it began is not led later, even if one from the same port was before it. All lanes share
// the sets of flows, so each of them says which address is its own.
function bridged({ family, from, to }: Lane): string[] {
  const known = `@${flows(family)}`;
  const flow = `${known} { ${flowKey(family)} }`;
  const here = `${family} daddr ${from.ip}`;
  const isLive = `${family} daddr @${live(family)}`;
  const isOver = `${family} daddr != @${live(family)}`;
  return [
    `${here} ether daddr ${from.mac} ${OPENS} ${isLive} update ${flow}`,
    `${here} ${OPENS} ${isOver} delete ${flow}`,
    `${here} ${flowKey(family)} ${known} update ${flow} ether daddr set ${to.mac}`,
  ].map((rule) => `    ${rule}`);
}

function routed({ family, from, to }: Lane): string {
  return `${family} daddr ${from.ip} ${OPENS} ${family} daddr @${live(family)} dnat ${family} to ${to.ip}`;
}

function timeout(lifetimeMs: number): string {
  return `timeout ${Math.ceil(lifetimeMs / 1000)}s`;
}
