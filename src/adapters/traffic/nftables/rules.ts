import { nftInterface } from '../../../core/text/encode/nft.ts';
import type { PortRedirect, Route } from '../../../core/traffic/routes.ts';
import type { Family } from '../flows.ts';
import { type Script, script } from './script.ts';
import { ofShare, shareIn } from './share.ts';
import { elementsOf, type Table } from './table.ts';

/** The parts of the rules besides the routes. */
export interface Ground {
  /** Name of the table: one per slot, so that no roll touches the rules of another. */
  readonly table: string;
  /** Host interfaces of the engine's bridge networks. */
  readonly bridges: readonly string[];
  /** True: the engine's userland proxy listens on the stand-in's host ports. */
  readonly proxied: boolean;
  /** The lifetime of the rules; undefined: unlimited. */
  readonly lifetimeMs: number | undefined;
  /** The share of new connections that is redirected; undefined: all. */
  readonly percent?: number | undefined;
  /** IPv4 addresses of a container that is about to stop. */
  readonly leaving: readonly string[];
}

// Before the engine's own chains (dstnat is -100): a connection is translated once, by the first chain that does it.
const BEFORE_ENGINE = -105;
// Connection tracking is -200.
const BEFORE_TRACKING = -300;
const BETWEEN_TRACKING_AND_NAT = -150;

/**
 * One nft transaction that replaces the slot's table. Only new connections pass nat chains, so open ones stay. The rules hold only while
 * their port is in a set whose elements may expire.
 */
export function portRedirectScript(routes: readonly Route[], ground: Ground): Script {
  const all = routes.map((route) => rulesOf(route, ground));
  return script([
    ...removal(ground.table),
    `table inet ${ground.table} {`,
    ...PROTOCOLS.map(liveSet),
    LEAVING_SET,
    ...CHAINS.flatMap(([name, hook]) =>
      chain(
        name,
        hook,
        all.flatMap((rules) => rules[name] ?? []),
      ),
    ),
    '}',
    ...PROTOCOLS.flatMap((protocol) => liveElements(protocol, routes, ground)),
    ...leavingElements(ground.table, ground.leaving),
  ]);
}

const CHAINS = [
  ['pre', `type nat hook prerouting priority ${BEFORE_ENGINE}`],
  ['out', `type nat hook output priority ${BEFORE_ENGINE}`],
  ['rawPre', `type filter hook prerouting priority ${BEFORE_TRACKING}`],
  ['rawOut', `type filter hook output priority ${BEFORE_TRACKING}`],
  ['againPre', `type filter hook prerouting priority ${BETWEEN_TRACKING_AND_NAT}`],
  ['againOut', `type filter hook output priority ${BETWEEN_TRACKING_AND_NAT}`],
] as const;

function chain(name: string, hook: string, rules: readonly string[]): string[] {
  return [`  chain ${name} {`, `    ${hook}; policy accept;`, ...rules.map((rule) => `    ${rule}`), '  }'];
}

/** One nft transaction that stops redirecting new connections, while the chains remain for open ones. */
export function endScript(table: string, leaving: readonly string[]): Script {
  return script([
    `table inet ${table} {`,
    ...PROTOCOLS.map(liveSet),
    LEAVING_SET,
    '}',
    ...PROTOCOLS.map((protocol) => `flush set inet ${table} ${live(protocol)}`),
    `flush set inet ${table} leaving`,
    ...leavingElements(table, leaving),
  ]);
}

/** One nft transaction that removes the table, if it exists. */
export function removeScript(table: string): Script {
  return script(removal(table));
}

/** The state of a slot's port redirect by its table; undefined: there is none. */
export function portRedirectIn(table: Table | undefined): PortRedirect {
  if (table === undefined) return 'none';
  const elements = PROTOCOLS.flatMap((protocol) => elementsOf(table, live(protocol)));
  if (elements.length === 0) return 'over';
  if (shareIn(table) !== undefined) return 'shared';
  return elements.some(({ expires }) => expires) ? 'expiring' : 'lasting';
}

const PROTOCOLS = ['tcp', 'udp'] as const;

function live(protocol: Route['protocol']): string {
  return `live_${protocol}`;
}

function removal(table: string): string[] {
  return [`table inet ${table}`, `delete table inet ${table}`];
}

function liveSet(protocol: Route['protocol']): string {
  return `  set ${live(protocol)} { typeof ${protocol} dport; flags timeout; }`;
}

// Not in the set's own block: nft 1.1.3 crashes on a transaction that declares a set with elements and flushes it.
function liveElements(protocol: Route['protocol'], routes: readonly Route[], { table, lifetimeMs }: Ground): string[] {
  const ports = [...new Set(routes.filter((route) => route.protocol === protocol).map((route) => route.hostPort))];
  const timeout = lifetimeMs === undefined ? '' : ` timeout ${Math.ceil(lifetimeMs / 1000)}s`;
  if (ports.length === 0) return [];
  const elements = ports.map((port) => `${port}${timeout}`).join(', ');
  return [`add element inet ${table} ${live(protocol)} { ${elements} }`];
}

// As long as the gate of a container that is about to stop: if swapctl dies, it answers again.
const LEAVES_FOR = '30s';
const LEAVING_SET = '  set leaving { typeof ip saddr; flags timeout; }';

function leavingElements(table: string, addresses: readonly string[]): string[] {
  const own = [...new Set(addresses)].map((address) => `${address} timeout ${LEAVES_FOR}`);
  return own.length === 0 ? [] : [`add element inet ${table} leaving { ${own.join(', ')} }`];
}

interface Rules {
  readonly pre?: readonly string[];
  readonly out?: readonly string[];
  readonly rawPre?: readonly string[];
  readonly rawOut?: readonly string[];
  readonly againPre?: readonly string[];
  readonly againOut?: readonly string[];
}

function rulesOf(route: Route, ground: Ground): Rules {
  const isV6 = route.hostIp.includes(':');
  if (isV6) return isAny(route.hostIp) ? anyV6(route, ground) : oneV6(route, ground);
  return isAny(route.hostIp) ? anyV4(route, ground) : oneV4(route, ground);
}

function isAny(hostIp: string): boolean {
  return hostIp === '' || hostIp === '0.0.0.0' || hostIp === '::';
}

// Traffic from loopback and from the engine's own networks takes the userland proxy: from loopback no packet may leave
// the machine, and between two bridges the engine drops them. All other traffic goes straight, client address kept.
function anyV4(route: Route, ground: Ground): Rules {
  const local = `meta nfproto ipv4 fib daddr type local ${port(route)}`;
  const loopback = `ip daddr 127.0.0.0/8 ${port(route)}`;
  const far = { pre: [local], out: [`ip daddr != 127.0.0.0/8 ${local}`] };
  return joined(near(route, ground, fromBridges(ground, local), [loopback], 'ip'), straight(route, ground, far));
}

function oneV4(route: Route, ground: Ground): Rules {
  const here = `ip daddr ${route.hostIp} ${port(route)}`;
  if (route.hostIp.startsWith('127.')) return near(route, ground, [], [here], 'ip');
  const far = { pre: [here], out: [here] };
  return joined(near(route, ground, fromBridges(ground, here), [], 'ip'), straight(route, ground, far));
}

// Published on IPv6, a container is reached through the proxy (or, where its network has IPv6, by the same port there).
function anyV6(route: Route, ground: Ground): Rules {
  const local = `meta nfproto ipv6 fib daddr type local ${port(route)}`;
  return ground.proxied ? near(route, ground, [local], [local], 'ip6') : {};
}

function oneV6(route: Route, ground: Ground): Rules {
  const here = `ip6 daddr ${route.hostIp} ${port(route)}`;
  return ground.proxied ? near(route, ground, [here], [here], 'ip6') : {};
}

function straight(
  route: Route,
  ground: Ground,
  { pre, out }: { pre: readonly string[]; out: readonly string[] },
): Rules {
  const { target, protocol } = route;
  const redirect = (match: string): string =>
    `${match} ${isLive(route, ground, 'ip')} dnat ip to ${target.ip}:${target.port}`;
  const drop = (match: string): string => `${match} ${AGAIN} drop`;
  const again = protocol === 'tcp' ? { againPre: pre.map(drop), againOut: out.map(drop) } : {};
  return { pre: pre.map(redirect), out: out.map(redirect), ...again };
}

// NAT sees only the first packet of a connection. A repeated SYN, which its container did not answer, goes to the same one, whose gate
// rejects it by now. The engine makes tracking forget the connection when that container stops, and the next SYN is redirected like a new
// one.
const AGAIN = 'ct state new ct status confirmed ct reply ip saddr @leaving';

/** Leads to the stand-in's proxy what comes in by these matches; without a proxy, straight to the stand-in. */
function near(route: Route, ground: Ground, pre: readonly string[], out: readonly string[], family: Family): Rules {
  if (!ground.proxied) return straight(route, ground, { pre, out });
  if (route.protocol === 'udp') return perDatagram(route, ground, pre, out, family);
  const redirect = (match: string): string => `${match} ${isLive(route, ground, family)} ${toProxy(route)}`;
  return { pre: pre.map(redirect), out: out.map(redirect) };
}

// A proxy bound to one address listens only on that, which is not the target of a redirect.
function toProxy({ hostIp, target }: Route): string {
  if (isAny(hostIp)) return `redirect to :${target.hostPort}`;
  return hostIp.includes(':')
    ? `dnat ip6 to [${hostIp}]:${target.hostPort}`
    : `dnat ip to ${hostIp}:${target.hostPort}`;
}

// A flow of datagrams has no end: tracked, it would be led to the stand-in's port for as long as its sender goes on, also
// when nobody is there any more. So each datagram is led by itself, and each answer gets the port that was asked.
function perDatagram(
  route: Route,
  ground: Ground,
  pre: readonly string[],
  out: readonly string[],
  family: Family,
): Rules {
  const { hostPort, target } = route;
  const redirect = (match: string): string =>
    `${match} ${isLive(route, ground, family)} udp dport set ${target.hostPort} notrack`;
  const answer = `meta nfproto ${family === 'ip' ? 'ipv4' : 'ipv6'} udp sport ${target.hostPort} udp sport set ${hostPort} notrack`;
  return { rawPre: pre.map(redirect), rawOut: [...out.map(redirect), answer] };
}

function joined(a: Rules, b: Rules): Rules {
  const both = (name: keyof Rules): readonly string[] => [...(a[name] ?? []), ...(b[name] ?? [])];
  const names = CHAINS.map(([name]) => name);
  return Object.fromEntries(names.map((name) => [name, both(name)]));
}

function fromBridges(ground: Ground, rule: string): string[] {
  const bridges = ground.bridges.flatMap((name) => nftInterface(name) ?? []);
  return bridges.length === 0 ? [] : [`iifname { ${bridges.join(', ')} } ${rule}`];
}

// By their SYN: if nothing else made the kernel track connections (IPv6 on most engines), it takes open ones for new ones once these
// rules exist, and would rewrite them in the middle.
function port({ protocol, hostPort }: Route): string {
  const opens = protocol === 'tcp' ? ' tcp flags & (fin | syn | rst | ack) == syn' : '';
  return `${protocol} dport ${hostPort}${opens}`;
}

function isLive({ protocol }: Route, { percent }: Ground, family: Family): string {
  return `${protocol} dport @${live(protocol)}${ofShare(family, protocol, percent)}`;
}
