// The kernel's treatment of new connections: gates, port redirects, and address redirects, each with its lifetime.
import { BlockList } from 'node:net';
import { fail } from '../../src/core/model/error.ts';
import { type PortRedirect, pairRoutes, type RedirectedClient } from '../../src/core/traffic/routes.ts';
import type { Bridge, Kernel, Process, RedirectEnd, RedirectStart } from '../../src/ports/ports.ts';
import type { Connection } from './clients.ts';
import type { Machine } from './machine.ts';

interface PortRedirectRule {
  readonly standIn: string;
  readonly hostPorts: ReadonlySet<number>;
  /** The share of new connections that is redirected; undefined: all. */
  readonly percent?: number | undefined;
  /** Until when new connections are led; Infinity: until somebody ends it. */
  readonly until: number;
}

type Redirected = RedirectedClient & { readonly connection: Connection };

interface AddressRedirectRule {
  readonly from: string;
  readonly to: string;
  readonly addresses: ReadonlySet<string>;
  /** The share of new connections that is redirected; undefined: all. */
  percent: number | undefined;
  until: number;
  /** Redirected connections, open or closed. */
  readonly redirected: Redirected[];
  /** The number of them still open. */
  readonly open: number;
}

export interface Rules {
  readonly portRedirects: Map<string, PortRedirectRule>;
  /** The end of each gate, by process: the rules end with it. */
  readonly gates: Map<number, number>;
  forwards: AddressRedirectRule[];
  /** By starting container: the addresses that are not dropped, and the end. */
  readonly holds: Map<string, { readonly known: ReadonlySet<string>; readonly until: number }>;
  /** All connections of clients. */
  readonly connections: Connection[];
  /** True: traffic can be moved from here. */
  available: boolean;
}

export function newRules(available: boolean): Rules {
  return { portRedirects: new Map(), gates: new Map(), forwards: [], holds: new Map(), connections: [], available };
}

// Rules are named by prefixes of ids only.
const SHORT = 12;
const TICK_MS = 1;

export function memoryKernel(machine: Machine, rules: Rules): Kernel {
  const now = (): number => machine.clock.now();
  // Each is a program that runs for a moment.
  const worked = <A extends unknown[], T>(work: (...args: A) => T | Promise<T>): ((...args: A) => Promise<T>) => {
    return async (...args) => {
      await machine.clock.sleep(TICK_MS);
      return work(...args);
    };
  };
  return {
    layer: async () =>
      rules.available
        ? { available: true }
        : { available: false, why: 'CAP_NET_ADMIN is missing: run swapctl as root' },
    portRedirect: async (slot) => portRedirectOf(rules, slot, now()),
    setPortRedirect: worked((slot, { ports, standIn, lifetimeMs, percent }) => {
      const ip = isIn(machine, standIn) ? Object.values(standIn.networks)[0]?.IPAddress : undefined;
      const routes = ip ? pairRoutes(ports, standIn.published, ip) : undefined;
      if (!routes) fail('step-failed', `the stand-in ${standIn.name} does not publish what ${slot} does`);
      const hostPorts = new Set(routes.map(({ hostPort }) => hostPort));
      const until = lifetimeMs ? now() + lifetimeMs : Infinity;
      rules.portRedirects.set(slot, { standIn: standIn.id, hostPorts, percent, until });
      alarmAt(machine, lifetimeMs);
    }),
    endPortRedirect: worked((slot) => {
      const rule = rules.portRedirects.get(slot) ?? { standIn: '', hostPorts: new Set() };
      rules.portRedirects.set(slot, { ...rule, until: 0 });
    }),
    clearPortRedirect: worked((slot) => void rules.portRedirects.delete(slot)),
    shut: worked(({ id, pid }, { lifetimeMs }) => {
      reach(machine, id, pid);
      rules.gates.set(pid, now() + lifetimeMs);
      alarmAt(machine, lifetimeMs);
    }),
    open: worked(({ pid }) => void rules.gates.delete(pid)),
    redirectAddress: worked((from, to, bridges, lifetimeMs, how) => {
      reach(machine, to.id, to.pid);
      redirectAddress(machine, rules, { from, to, addresses: addressesBetween(from, to, bridges), lifetimeMs, ...how });
      rules.holds.delete(from.id.slice(0, SHORT));
    }),
    hold: worked((id, { networks }, bridges, known, lifetimeMs) => {
      if (!Object.values(networks).some(({ IPAddress = '' }) => isBridged(IPAddress, bridges))) return;
      rules.holds.set(id.slice(0, SHORT), { known: new Set(known), until: now() + lifetimeMs });
      alarmAt(machine, lifetimeMs);
    }),
    endHold: worked((id) => void rules.holds.delete(id.slice(0, SHORT))),
    addressRedirects: async (ids) =>
      rules.forwards
        .filter(({ from, to, until }) => until > now() && ids.some((id) => [from, to].includes(id.slice(0, SHORT))))
        .map(({ from, to, percent, redirected }) => ({
          from,
          to,
          ...(percent !== undefined && { percent }),
          connections: redirected.length,
        })),
    haltAddressRedirect: worked((from) => {
      for (const rule of rules.forwards) if (rule.from === from.slice(0, SHORT)) rule.until = 0;
    }),
    redirected: async (from) =>
      rules.forwards
        .filter((rule) => rule.until > now() && rule.from === from.slice(0, SHORT))
        .flatMap(({ redirected }) => redirected.map(({ address, port, to }) => ({ address, port, to }))),
    endAddressRedirect: worked((from) => endAddressRedirect(rules, from.slice(0, SHORT))),
    sweepAddressRedirects: worked(async (find) => {
      let swept = 0;
      for (const rule of [...rules.forwards]) {
        const to = await find(rule.to);
        if (to && (rule.until > now() || (await find(rule.from)))) continue;
        if (to && rule.open > 0) continue;
        rules.forwards = rules.forwards.filter((one) => one !== rule);
        swept++;
      }
      return swept + sweepHolds(rules, now());
    }),
    clearOrphans: async (inUse) => {
      const found = [...rules.portRedirects.keys()];
      const known = new Set(await inUse());
      const orphans = found.filter((slot) => !known.has(slot));
      for (const slot of orphans) rules.portRedirects.delete(slot);
      return orphans.length;
    },
  };
}

function sweepHolds({ holds }: Rules, now: number): number {
  const over = [...holds].filter(([, { until }]) => until <= now);
  for (const [id] of over) holds.delete(id);
  return over.length;
}

// A moment at which the end of a rule may be noticed.
function alarmAt({ clock }: Machine, lifetimeMs: number | undefined): void {
  if (lifetimeMs !== undefined) clock.alarm(clock.now() + lifetimeMs, () => {});
}

function portRedirectOf(rules: Rules, slot: string, now: number): PortRedirect {
  const rule = rules.portRedirects.get(slot);
  if (!rule) return 'none';
  if (rule.until <= now) return 'over';
  if (rule.percent !== undefined) return 'shared';
  return rule.until === Infinity ? 'lasting' : 'expiring';
}

function reach(machine: Machine, id: string, pid: number): void {
  if (!isIn(machine, { id, pid }))
    fail('step-failed', `the process of ${id.slice(0, SHORT)} is out of reach (another pid namespace)`);
}

function isIn(machine: Machine, { id, pid }: Process): boolean {
  return pid > 0 && machine.boxes.get(id)?.pid === pid;
}

interface AddressRedirectAsked {
  readonly from: RedirectStart;
  readonly to: RedirectEnd;
  readonly addresses: ReadonlySet<string>;
  readonly lifetimeMs: number;
  readonly again?: boolean;
  readonly percent?: number | undefined;
}

function redirectAddress(
  machine: Machine,
  rules: Rules,
  { from, to, addresses, lifetimeMs, percent }: AddressRedirectAsked,
): void {
  if (addresses.size === 0)
    fail('step-failed', 'the two containers have no addresses of their own in a bridge network');
  const ends = { from: from.id.slice(0, SHORT), to: to.id.slice(0, SHORT) };
  const until = machine.clock.now() + lifetimeMs;
  alarmAt(machine, lifetimeMs);
  const others = rules.forwards.filter((rule) => rule.from === ends.from);
  const known = others.find((rule) => rule.to === ends.to);
  if (known) {
    known.until = until;
    known.percent = percent;
    return;
  }
  for (const other of others) other.until = 0;
  rules.forwards.push(ruleOf({ ...ends, addresses, percent, until }));
}

function ruleOf(rule: Omit<AddressRedirectRule, 'redirected' | 'open'>): AddressRedirectRule {
  const redirected: Redirected[] = [];
  return {
    ...rule,
    redirected,
    get open() {
      return redirected.filter(({ connection }) => connection.isOpen()).length;
    },
  };
}

function addressesBetween(from: RedirectStart, to: RedirectEnd, bridges: readonly Bridge[]): Set<string> {
  const pairs = Object.entries(from.networks).map(([network, ours]) => [
    ours.IPAddress ?? '',
    to.networks[network]?.IPAddress ?? '',
  ]);
  const able = pairs.filter(([ours, theirs]) => ours && theirs && ours !== theirs && isBridged(ours, bridges));
  return new Set(able.map(([ours = '']) => ours));
}

function isBridged(address: string, bridges: readonly Bridge[]): boolean {
  const all = new BlockList();
  for (const [net = '', bits] of bridges.flatMap(({ subnets }) => subnets.map((subnet) => subnet.split('/'))))
    all.addSubnet(net, Number(bits));
  return all.check(address);
}

function endAddressRedirect(rules: Rules, from: string): number {
  let left = 0;
  for (const rule of rules.forwards.filter((one) => one.from === from)) {
    rule.until = 0;
    left += rule.open;
    if (rule.open === 0) rules.forwards = rules.forwards.filter((one) => one !== rule);
  }
  return left;
}
