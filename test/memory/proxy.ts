// A proxy in front of services, in a container of its own: its targets, and a driver's view and changes of it.
import { fail } from '../../src/core/model/error.ts';
import type { ObservedRoute, ObservedServer, ProxyFacts, Wanted } from '../../src/core/proxy/route.ts';
import type { OpenTrafficDriver, TrafficDriver } from '../../src/ports/traffic-driver.ts';
import { type Box, isUp, type Machine } from './machine.ts';
import { isCalled } from './networks.ts';

/** The name of the proxy's container, and of its driver. */
export const EDGE = 'edge';
export const DRIVER = 'memory';

/** A route with its owner's configuration: the name and the port for requests. */
interface Route {
  readonly network: string;
  readonly name: string;
  readonly port: number;
  wanted: Wanted;
  heldSince: number;
}

export interface MemoryProxy {
  readonly routes: Map<string, Route>;
  readonly facts: ProxyFacts;
  /** The end of its outage. */
  downUntil: number;
  /** Its refusals of the next changes, one after the other; undefined: it accepts. */
  readonly refusals: (string | undefined)[];
  /** Another part of its configuration is broken. */
  broken: boolean;
  /** Parts of an ended roll that it could not remove. */
  leftovers: readonly string[];
  /** Every state that was applied and changed something. */
  readonly applied: { readonly route: string; readonly wanted: Wanted }[];
}

const FACTS: ProxyFacts = {
  driver: DRIVER,
  version: '1.0',
  countsInFlight: true,
  weights: true,
  hold: 'requests',
  keepsIdleClients: true,
  keepsStreams: true,
  minMsBetween: 0,
  warnings: [],
};

export function newProxy(facts: Partial<ProxyFacts> = {}): MemoryProxy {
  return {
    routes: new Map(),
    facts: { ...FACTS, ...facts },
    downUntil: 0,
    refusals: [],
    broken: false,
    leftovers: [],
    applied: [],
  };
}

export function addRoute(proxy: MemoryProxy, route: string, to: Pick<Route, 'network' | 'name' | 'port'>): void {
  proxy.routes.set(route, { ...to, wanted: { kind: 'baseline' }, heldSince: 0 });
}

/** Restarts it: it uses its own configuration again, once it is back. */
export function restartProxy(proxy: MemoryProxy, machine: Machine, downMs: number): void {
  proxy.downUntil = machine.clock.now() + downMs;
  for (const route of proxy.routes.values()) route.wanted = { kind: 'baseline' };
}

const TICK_MS = 1;

export function memoryProxies(machine: Machine, proxy: MemoryProxy): OpenTrafficDriver {
  return (driver, place) => {
    if (driver !== DRIVER)
      return fail('config', `swapctl.proxy: unknown driver ${driver}`, { hint: `known: ${DRIVER}` });
    return driverOf(machine, proxy, place);
  };
}

function driverOf(machine: Machine, proxy: MemoryProxy, place: string): TrafficDriver {
  const reached = async (): Promise<void> => {
    await machine.clock.sleep(TICK_MS);
    const box = machine.boxes.get(place);
    if (box?.name !== EDGE || !isUp(box) || proxy.downUntil > machine.clock.now())
      fail('proxy-unreachable', 'the proxy does not answer (a test says so)');
  };
  return {
    facts: async () => {
      await reached();
      if (proxy.broken) fail('proxy-config', 'the configuration is broken elsewhere (a test says so)');
      return proxy.facts;
    },
    route: async (name) => {
      await reached();
      const route = proxy.routes.get(name);
      return route && observedRoute(machine, proxy, route);
    },
    apply: async (name, wanted) => {
      await reached();
      const route = proxy.routes.get(name) ?? fail('proxy-refused', `there is no route ${name}`);
      if (JSON.stringify(route.wanted) === JSON.stringify(wanted)) return;
      const refusal = proxy.refusals.shift();
      if (refusal !== undefined) fail('proxy-refused', refusal);
      route.wanted = wanted;
      route.heldSince = machine.clock.now();
      proxy.applied.push({ route: name, wanted });
    },
  };
}

function observedRoute(machine: Machine, { facts, leftovers: left }: MemoryProxy, route: Route): ObservedRoute {
  const { wanted } = route;
  const servers: readonly ObservedServer[] =
    wanted.kind === 'baseline'
      ? namedBy(machine, route).map((address) => ({ address, state: 'ready' as const, weight: 1 }))
      : wanted.servers;
  const leftovers = left.length > 0 ? { leftovers: left } : {};
  if (!facts.countsInFlight) return { wanted, servers, ...leftovers };
  return {
    wanted,
    ...leftovers,
    servers: servers.map((one) => ({ ...one, inFlight: inFlight(machine, one.address) })),
  };
}

function inFlight(machine: Machine, address: string): number {
  return (boxAt(machine, address)?.busyUntil ?? 0) > machine.clock.now() ? 1 : 0;
}

function boxAt(machine: Machine, address: string): Box | undefined {
  const ip = address.slice(0, address.lastIndexOf(':'));
  return [...machine.boxes.values()].find(
    (box) => isUp(box) && Object.values(box.networks).some(({ IPAddress }) => IPAddress === ip),
  );
}

// It resolves the name at each request.
function namedBy(machine: Machine, { network, name, port }: Route): string[] {
  const called = [...machine.boxes.values()].filter((box) => isUp(box) && isCalled(box, network, name));
  return called.map((box) => `${box.networks[network]?.IPAddress}:${port}`);
}

/** The addresses for new requests, one after the other; undefined: they wait. */
export function targetsOf(machine: Machine, proxy: MemoryProxy, name: string): readonly string[] | undefined {
  const route = proxy.routes.get(name);
  if (!route) return [];
  const { wanted } = route;
  if (wanted.kind === 'baseline') return namedBy(machine, route);
  if (wanted.kind === 'held' && machine.clock.now() < route.heldSince + wanted.longestMs) return undefined;
  return wanted.servers.flatMap(({ address, state }) => (state === 'ready' ? [address] : []));
}
