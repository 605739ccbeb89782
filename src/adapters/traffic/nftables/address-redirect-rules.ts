import type { RedirectedClient } from '../../../core/traffic/routes.ts';
import { FAMILIES, type Family, flowKey, flowSet, flows, OPENS } from '../flows.ts';
import { PROBE_PORTS } from './gate.ts';
import { type Script, script } from './script.ts';
import { beyondShare, ofShare } from './share.ts';
import { elementsOf, type Table } from './table.ts';
import { type BareChain, retransmitted, unansweredChains, unansweredSets } from './unanswered.ts';

/**
 * One network that two containers share: new connections to the address of one are led to the other. They are bridged, so
 * the kernel of the host sees them go by below IP, where it can send a packet on to another container by its MAC address
 * (bridge family of nftables); that one takes the packets for its own by a translation in its own network namespace, so that
 * it sees the true address of its client. Nothing of this passes the container whose address it is, so that connections
 * survive its end.
 */
export interface Lane {
  readonly family: Family;
  /** Host interface of the network, as a string of a script (nftInterface). */
  readonly device: string;
  readonly from: { readonly ip: string; readonly mac: string };
  readonly to: { readonly ip: string; readonly mac: string };
}

const PREFIX = 'swapctl-moved-';
const ID_LENGTH = 12;

/** The name of the tables of a redirect between two containers, in the host's namespace and in that of the target. */
export function addressRedirectTable(owner: string, from: string, to: string): string {
  return `${PREFIX}${from.slice(0, ID_LENGTH)}-${to.slice(0, ID_LENGTH)}-${owner}`;
}

/** The two containers (prefixes of their ids) of such a table; undefined if it is not one of this owner's. */
export function addressRedirectEnds(owner: string, table: string): { from: string; to: string } | undefined {
  const id = `([0-9a-f]{${ID_LENGTH}})`;
  const [, from, to] = new RegExp(`^${PREFIX}${id}-${id}-${owner}$`).exec(table) ?? [];
  return from && to ? { from, to } : undefined;
}

// Before the engine's own chains (-100), and before connection tracking looks at bridged packets.
const BEFORE_ENGINE = -105;
const BEFORE_BRIDGE_NAT = -305;

/**
 * One nft transaction for the host's namespace: redirects new connections for a while, and redirected ones until their end. It may be
 * repeated, also with other lanes: the rules are replaced, and the connections in the sets stay.
 */
export function hostScript(table: string, lanes: readonly Lane[], lifetimeMs: number, percent?: number): Script {
  const chains = hostChains(lanes, percent);
  return script([
    `table bridge ${table} {`,
    ...FAMILIES.flatMap(liveSet),
    ...FAMILIES.flatMap(flowSet),
    ...chains.filter(({ family }) => family === 'bridge').flatMap(emptyChain),
    '}',
    `table inet ${table} {`,
    ...FAMILIES.flatMap(liveSet),
    ...unansweredSets(),
    ...chains.filter(({ family }) => family === 'inet').flatMap(emptyChain),
    '}',
    ...chains.map(({ family, name }) => `flush chain ${family} ${table} ${name}`),
    ...chains.flatMap(({ family, name, rules }) => rules.map((rule) => `add rule ${family} ${table} ${name} ${rule}`)),
    // An existing element would keep the rest of its time.
    ...flushes(table),
    ...liveElements(table, lanes, lifetimeMs),
  ]);
}

function hostChains(lanes: readonly Lane[], percent: number | undefined): Chain[] {
  const nat = (hook: string): string => `type nat hook ${hook} priority ${BEFORE_ENGINE}`;
  const bridge = `type filter hook prerouting priority ${BEFORE_BRIDGE_NAT}`;
  const share = ({ family }: Lane): string => ofShare(family, 'tcp', percent);
  const pre = lanes.map((lane) => `${arrives(lane)}${share(lane)} ${redirected(lane)}`);
  const out = lanes.map((lane) => `${leaves(lane)}${share(lane)} ${redirected(lane)}`);
  return [
    { family: 'bridge', name: 'pre', hook: bridge, rules: lanes.flatMap((lane) => bridged(lane, percent)) },
    { family: 'inet', name: 'pre', hook: nat('prerouting'), rules: pre },
    { family: 'inet', name: 'out', hook: nat('output'), rules: out },
    ...unansweredChains(
      lanes.map((lane) => retransmitted(lane.family, `${arrives(lane)}${share(lane)}`, lane.from.ip)),
      lanes.map((lane) => retransmitted(lane.family, `${leaves(lane)}${share(lane)}`, lane.from.ip)),
    ).map((chain) => ({ family: 'inet' as const, ...chain })),
  ];
}

interface Chain extends BareChain {
  readonly family: 'bridge' | 'inet';
}

function emptyChain({ name, hook }: Chain): string[] {
  return [`  chain ${name} {`, `    ${hook}; policy accept;`, '  }'];
}

/** One nft transaction for the namespace of the target: packets for the other's address are for it. */
export function targetScript(table: string, lanes: readonly Lane[]): Script {
  return script([
    `table inet ${table}`,
    `delete table inet ${table}`,
    `table inet ${table} {`,
    '  chain pre {',
    `    type nat hook prerouting priority ${BEFORE_ENGINE}; policy accept;`,
    ...lanes.map(taken),
    '  }',
    // Its own connections to that address (a service that calls itself by its name) can't cross the bridge.
    '  chain out {',
    `    type nat hook output priority ${BEFORE_ENGINE}; policy accept;`,
    ...lanes.map(taken),
    '  }',
    '}',
  ]);
}

/** One nft transaction that redirects new connections to the addresses of these lanes for this long from now. */
export function renewScript(table: string, lanes: readonly Lane[], lifetimeMs: number): Script {
  return script([...flushes(table), ...liveElements(table, lanes, lifetimeMs)]);
}

/** One nft transaction that stops redirecting new connections, while redirected ones continue. */
export function haltScript(table: string): Script {
  return script(flushes(table));
}

/** One nft transaction that removes the tables of the host's namespace, if they exist. */
export function clearHostScript(table: string): Script {
  return script(TABLE_FAMILIES.flatMap((family) => [`table ${family} ${table}`, `delete table ${family} ${table}`]));
}

/** A redirect has a table of the same name in each of these families. */
export const TABLE_FAMILIES = ['bridge', 'inet'] as const;

function live(family: Family): string {
  return `live_${family}`;
}

/** The connections that a table still redirects. */
export function redirectedClients(table: Table): RedirectedClient[] {
  return FAMILIES.flatMap((family) => elementsOf(table, flows(family))).map(({ value: [address, port, to] }) => ({
    address: String(address),
    port: Number(port),
    to: String(to),
  }));
}

/** True: a table still redirects new connections. */
export function isLive(table: Table): boolean {
  return FAMILIES.some((family) => elementsOf(table, live(family)).length > 0);
}

function flushes(table: string): string[] {
  return TABLE_FAMILIES.flatMap((family) => FAMILIES.map((ip) => `flush set ${family} ${table} ${live(ip)}`));
}

// By address, since every other match that is true for all connections would contradict the match on TCP (nft 1.1.3 refuses it).
function liveSet(family: Family): string[] {
  return [`  set ${live(family)} {`, `    typeof ${family} daddr; flags timeout;`, '  }'];
}

// Not in the set's own block: nft 1.1.3 crashes on a transaction that declares a set with elements and flushes it.
function liveElements(table: string, lanes: readonly Lane[], lifetimeMs: number): string[] {
  return FAMILIES.flatMap((ip) => {
    const addresses = [...new Set(lanes.filter((lane) => lane.family === ip).map(({ from }) => from.ip))];
    if (addresses.length === 0) return [];
    const elements = addresses.map((address) => `${address} ${timeout(lifetimeMs)}`).join(', ');
    return TABLE_FAMILIES.map((family) => `add element ${family} ${table} ${live(ip)} { ${elements} }`);
  });
}

function taken({ family, from, to }: Lane): string {
  return `    ${family} daddr ${from.ip} meta l4proto tcp dnat ${family} to ${to.ip}`;
}

// A connection that was not led when it began is not led later, even if one from the same port was before it. All lanes share
// the sets of flows, so each of them says which address is its own.
function bridged({ family, from, to }: Lane, percent: number | undefined): string[] {
  const known = `@${flows(family)}`;
  const flow = `${known} { ${flowKey(family)} }`;
  const here = `${family} daddr ${from.ip}`;
  const isLive = `${family} daddr @${live(family)}`;
  const isOver = `${family} daddr != @${live(family)}`;
  return [
    `${here} ether daddr ${from.mac} ${OPENS} ${isLive}${ofShare(family, 'tcp', percent)} update ${flow}`,
    ...(percent === undefined
      ? []
      : [`${here} ${OPENS} ${isLive}${beyondShare(family, 'tcp', percent)} delete ${flow}`]),
    `${here} ${OPENS} ${isOver} delete ${flow}`,
    `${here} ${flowKey(family)} ${known} update ${flow} ether daddr set ${to.mac}`,
  ];
}

function arrives(lane: Lane): string {
  return `iifname != ${lane.device} ${opensTo(lane)}`;
}

// Probes are for the very container that has the address by now.
function leaves(lane: Lane): string {
  return `tcp sport != ${PROBE_PORTS.first}-${PROBE_PORTS.last} ${opensTo(lane)}`;
}

function opensTo({ family, from }: Lane): string {
  return `${family} daddr ${from.ip} ${OPENS} ${family} daddr @${live(family)}`;
}

function redirected({ family, to }: Lane): string {
  return `dnat ${family} to ${to.ip}`;
}

function timeout(lifetimeMs: number): string {
  return `timeout ${Math.ceil(lifetimeMs / 1000)}s`;
}
