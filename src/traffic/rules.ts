import type { Route } from '../core/traffic.ts';

/** What the rules depend on beside the routes. */
export interface Ground {
  /** Name of the table: one for each slot, so that nobody touches the rules of another roll. */
  readonly table: string;
  /** Host interfaces of the engine's bridge networks. */
  readonly bridges: readonly string[];
  /** Whether the engine's userland proxy listens on the stand-in's host ports. */
  readonly proxied: boolean;
  /** After this long the rules end by themselves; undefined: never. */
  readonly lifetimeMs: number | undefined;
}

// Before the engine's own chains (dstnat is -100): a connection is translated once, by the first chain that does it.
const BEFORE_ENGINE = -105;

/**
 * One nft transaction that puts the slot's table in place of whatever it was. Only new connections pass nat chains, so
 * those that are open stay where they are. The rules hold only while their port is in a set whose elements may expire.
 */
export function coverScript(routes: readonly Route[], ground: Ground): string {
  const both = routes.map((route) => rulesOf(route, ground));
  const hook = (name: string, type: string, rules: readonly string[]): string[] => [
    `  chain ${name} {`,
    `    type nat hook ${type} priority ${BEFORE_ENGINE}; policy accept;`,
    ...rules.map((rule) => `    ${rule}`),
    '  }',
  ];
  return [
    ...removal(ground.table),
    `table inet ${ground.table} {`,
    ...liveSet('tcp', routes, ground),
    ...liveSet('udp', routes, ground),
    ...hook(
      'pre',
      'prerouting',
      both.flatMap((rules) => rules.pre),
    ),
    ...hook(
      'out',
      'output',
      both.flatMap((rules) => rules.out),
    ),
    '}',
    '',
  ].join('\n');
}

/** One nft transaction after which no new connection is led any more, while the chains go on for those that are open. */
export function endScript(table: string): string {
  const sets = (['tcp', 'udp'] as const).map((protocol) => `live_${protocol}`);
  return [
    `table inet ${table} {`,
    ...sets.map((set) => `  set ${set} { type inet_service; flags timeout; }`),
    '}',
    ...sets.map((set) => `flush set inet ${table} ${set}`),
    '',
  ].join('\n');
}

/** One nft transaction after which the table is not there, whether it was or not. */
export function removeScript(table: string): string {
  return [...removal(table), ''].join('\n');
}

function removal(table: string): string[] {
  return [`table inet ${table}`, `delete table inet ${table}`];
}

function liveSet(protocol: 'tcp' | 'udp', routes: readonly Route[], ground: Ground): string[] {
  const ports = [...new Set(routes.filter((route) => route.protocol === protocol).map((route) => route.hostPort))];
  const timeout = ground.lifetimeMs === undefined ? '' : ` timeout ${Math.ceil(ground.lifetimeMs / 1000)}s`;
  const elements =
    ports.length > 0 ? [`    elements = { ${ports.map((port) => `${port}${timeout}`).join(', ')} }`] : [];
  return [`  set live_${protocol} {`, '    type inet_service; flags timeout;', ...elements, '  }'];
}

interface Rules {
  readonly pre: readonly string[];
  readonly out: readonly string[];
}

function rulesOf(route: Route, ground: Ground): Rules {
  const isV6 = route.hostIp.includes(':');
  const isAny = route.hostIp === '' || route.hostIp === '0.0.0.0' || route.hostIp === '::';
  if (isV6) return isAny ? anyV6(route, ground) : oneV6(route, ground);
  return isAny ? anyV4(route, ground) : oneV4(route, ground);
}

// Traffic from loopback and from the engine's own networks takes the userland proxy: from loopback no packet may leave
// the machine, and between two bridges the engine drops them. All other traffic goes straight, client address kept.
function anyV4(route: Route, ground: Ground): Rules {
  const local = `meta nfproto ipv4 fib daddr type local ${port(route)}`;
  const straight = `dnat ip to ${route.target.ip}:${route.target.port}`;
  const near = ground.proxied ? `redirect to :${route.target.hostPort}` : straight;
  return {
    pre: [...fromBridges(ground, `${local} ${near}`), `${local} ${straight}`],
    out: [`ip daddr 127.0.0.0/8 ${port(route)} ${near}`, `ip daddr != 127.0.0.0/8 ${local} ${straight}`],
  };
}

function oneV4(route: Route, ground: Ground): Rules {
  const here = `ip daddr ${route.hostIp} ${port(route)}`;
  const straight = `dnat ip to ${route.target.ip}:${route.target.port}`;
  const near = ground.proxied ? `dnat ip to ${route.hostIp}:${route.target.hostPort}` : straight;
  const loopback = route.hostIp.startsWith('127.');
  return {
    pre: loopback ? [] : [...fromBridges(ground, `${here} ${near}`), `${here} ${straight}`],
    out: [`${here} ${loopback ? near : straight}`],
  };
}

// Published on IPv6, a container is reached through the proxy (or, where its network has IPv6, by the same port there).
function anyV6(route: Route, ground: Ground): Rules {
  if (!ground.proxied) return { pre: [], out: [] };
  const rule = `meta nfproto ipv6 fib daddr type local ${port(route)} redirect to :${route.target.hostPort}`;
  return { pre: [rule], out: [rule] };
}

function oneV6(route: Route, ground: Ground): Rules {
  if (!ground.proxied) return { pre: [], out: [] };
  const rule = `ip6 daddr ${route.hostIp} ${port(route)} dnat ip6 to [${route.hostIp}]:${route.target.hostPort}`;
  return { pre: [rule], out: [rule] };
}

function fromBridges(ground: Ground, rule: string): string[] {
  if (ground.bridges.length === 0) return [];
  return [`iifname { ${ground.bridges.map((name) => `"${name}"`).join(', ')} } ${rule}`];
}

// By their SYN: where nothing else made the kernel track connections (IPv6 on most engines), it takes those that are
// open for new ones from the moment that these rules are there, and would rewrite them in the middle.
function port({ protocol, hostPort }: Route): string {
  const opens = protocol === 'tcp' ? 'tcp flags & (fin | syn | rst | ack) == syn ' : '';
  return `${protocol} dport ${hostPort} ${opens}${protocol} dport @live_${protocol}`;
}
