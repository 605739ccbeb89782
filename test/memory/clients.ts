// Clients: the container that they reach at any moment by a published port or by a name in a network; and the host's view of them.

import { type Container, namespaceOwner } from '../../src/core/model/container.ts';
import type { Connection as Diagnosed } from '../../src/core/traffic/connections.ts';
import type { Traffic } from '../../src/ports/traffic.ts';
import { healthOf, listensAt } from './apps.ts';
import type { Rules } from './kernel.ts';
import { answers } from './lifecycle.ts';
import { type Box, boxOf, isUp, type Machine } from './machine.ts';
import { isCalled, portKey } from './networks.ts';

/** A client's entrance to a service. */
export type Entrance =
  | { readonly kind: 'port'; readonly hostPort: number }
  | { readonly kind: 'name' | 'each address' | 'engine'; readonly network: string; readonly name: string }
  /** By a driven proxy; `targets`: its present servers, undefined: requests wait. */
  | { readonly kind: 'proxy'; readonly route: string; readonly targets: () => readonly string[] | undefined }
  /** A client that resolved the name once. */
  | { readonly kind: 'address'; readonly address: string };

const SOMEWHERE = '192.0.2.1';
const FIRST_PORT = 32_768;

/** A connection that a client has opened. */
export interface Connection {
  readonly server: Box;
  /** The address of its client. */
  readonly client: { readonly address: string; readonly port: number };
  isOpen(): boolean;
  /** Sends a request that is never answered. */
  ask(): void;
  isAsked(): boolean;
  close(): void;
}

/** Opens a connection; undefined: it is refused. It stays with the answering container until that ends. */
export function connect(machine: Machine, rules: Rules, way: Entrance, client = SOMEWHERE): Connection | undefined {
  const draw = drawn(rules);
  const server = answering(machine, rules, way, draw);
  if (!server) return undefined;
  const { run } = server;
  let [closed, asked] = [false, false];
  const isOpen = (): boolean => !closed && server.run === run && isUp(server);
  const connection: Connection = {
    server,
    client: { address: client, port: FIRST_PORT + rules.connections.length },
    isOpen,
    ask: () => {
      asked = true;
    },
    isAsked: () => asked,
    close: () => {
      closed = true;
    },
  };
  rules.connections.push(connection);
  noteRedirected(machine, rules, way, connection, draw);
  return connection;
}

// The redirect that a new connection takes, if any.
function noteRedirected(machine: Machine, rules: Rules, way: Entrance, connection: Connection, draw: number): void {
  const to = addressOf(machine, way);
  const rule = to === undefined ? undefined : ruleAt(machine, rules, to);
  if (to !== undefined && rule && draw < (rule.percent ?? 100))
    rule.redirected.push({ ...connection.client, to, connection });
}

// Each hundred connections have each number once, in no order that a test could rely on.
function drawn({ connections }: Rules): number {
  return (connections.length * 37) % 100;
}

/** The possible ends of a new connection if a rule redirects a share of them; a draw picks one. */
function shared<T>(percent: number | undefined, redirected: T, stays: T, draw: number | undefined): T[] {
  if (percent === undefined) return [redirected];
  return draw === undefined ? [redirected, stays] : [draw < percent ? redirected : stays];
}

function addressOf(machine: Machine, way: Entrance): string | undefined {
  if (way.kind === 'address') return way.address;
  if (way.kind === 'port' || way.kind === 'proxy') return undefined;
  const box = [...machine.boxes.values()].find((one) => isCalled(one, way.network, way.name));
  return box?.networks[way.network]?.IPAddress;
}

/**
 * The answer to a new request now; undefined: none. A client that knows several addresses tries one after the other; a client that
 * balances over each address without a retry is answered only if all of them answer. A proxy that reads the engine's verdict uses the
 * healthy ones.
 */
export function answering(machine: Machine, rules: Rules, way: Entrance, draw?: number): Box | undefined {
  if (way.kind === 'port') return atPort(machine, rules, way.hostPort, draw);
  if (way.kind === 'address') return atAddress(machine, rules, way.address, draw);
  if (way.kind === 'proxy') return behind(machine, rules, way.targets() ?? []);
  const called = [...machine.boxes.values()].filter((box) => isCalled(box, way.network, way.name));
  const asked = called.filter((box) => isAsked(machine, box, way.kind) && !isHeld(machine, rules, box));
  const answers = asked.map((box) => firstIfAll(machine, rules, redirected(machine, rules, box, way.network, draw)));
  if (way.kind === 'each address' && answers.includes(undefined)) return undefined;
  return answers.find((box) => box !== undefined);
}

// Every server with requests has to answer, except while a new connection waits.
function behind(machine: Machine, rules: Rules, targets: readonly string[]): Box | undefined {
  const addresses = targets.map((one) => one.slice(0, one.lastIndexOf(':')));
  const asked = addresses.filter((one) => !usedBy(machine, rules, { kind: 'address', address: one }).some(isWaiting));
  const answers = asked.map((one) => atAddress(machine, rules, one));
  return answers.includes(undefined) ? undefined : answers[0];

  function isWaiting(box: Box | undefined): boolean {
    return box !== undefined && isHeld(machine, rules, box);
  }
}

function isAsked(machine: Machine, box: Box, kind: Entrance['kind']): boolean {
  if (kind === 'name') return true;
  if (!isUp(box) || kind !== 'engine') return isUp(box);
  const health = healthOf(box, machine.clock.now());
  return health === undefined || health.status === 'healthy';
}

/** True: a new connection waits now, since its SYNs are dropped. */
export function waits(machine: Machine, rules: Rules, way: Entrance): boolean {
  return usedBy(machine, rules, way).some((box) => box && isHeld(machine, rules, box));
}

function usedBy(machine: Machine, rules: Rules, way: Entrance): (Box | undefined)[] {
  if (way.kind === 'port') return holdersOf(machine, rules, way.hostPort);
  if (way.kind === 'proxy') return [];
  const all = [...machine.boxes.values()];
  if (way.kind === 'address') return all.filter((box) => hasAddress(machine, box, way.address));
  return all.filter((box) => isCalled(box, way.network, way.name));
}

function isHeld({ clock }: Machine, { holds }: Rules, { networks }: Box): boolean {
  const own = Object.values(networks).flatMap(({ IPAddress }) => (IPAddress ? [IPAddress] : []));
  return [...holds.values()].some(({ known, until }) => until > clock.now() && own.some((one) => !known.has(one)));
}

function firstIfAll(machine: Machine, rules: Rules, boxes: readonly (Box | undefined)[]): Box | undefined {
  return boxes.every((box) => box && isOpen(machine, rules, box)) ? boxes[0] : undefined;
}

function atPort(machine: Machine, rules: Rules, hostPort: number, draw: number | undefined): Box | undefined {
  return firstIfAll(machine, rules, holdersOf(machine, rules, hostPort, draw));
}

function holdersOf(machine: Machine, rules: Rules, hostPort: number, draw?: number): (Box | undefined)[] {
  const portRedirect = [...rules.portRedirects.values()].find(
    (rule) => rule.until > machine.clock.now() && rule.hostPorts.has(hostPort),
  );
  const own = machine.boxes.get(machine.hostPorts.get(portKey(hostPort, '/tcp')) ?? '');
  return portRedirect ? shared(portRedirect.percent, machine.boxes.get(portRedirect.standIn), own, draw) : [own];
}

function atAddress(machine: Machine, rules: Rules, address: string, draw?: number): Box | undefined {
  const rule = ruleAt(machine, rules, address);
  const own = [...machine.boxes.values()].find((one) => isUp(one) && hasAddress(machine, one, address));
  return firstIfAll(machine, rules, rule ? shared(rule.percent, boxOf(machine, rule.to), own, draw) : [own]);
}

// The containers at which a new connection to an address may end.
function redirected(machine: Machine, rules: Rules, box: Box, network: string, draw?: number): (Box | undefined)[] {
  const rule = ruleAt(machine, rules, box.networks[network]?.IPAddress ?? '');
  return rule ? shared(rule.percent, boxOf(machine, rule.to), box, draw) : [box];
}

function ruleAt(machine: Machine, { forwards }: Rules, address: string): Rules['forwards'][number] | undefined {
  return forwards.find(({ addresses, until }) => until > machine.clock.now() && addresses.has(address));
}

function isOpen(machine: Machine, { gates }: Rules, box: Box): boolean {
  return answers(machine, box) && (gates.get(box.pid) ?? 0) <= machine.clock.now();
}

export function memoryTraffic(machine: Machine, { connections }: Rules): Traffic {
  return {
    connections: async ({ id, pid }) => {
      const box = machine.boxes.get(id);
      if (!box || box.pid !== pid || pid <= 0) return undefined;
      return connectionsOf(machine, connections, box).length;
    },
    diagnose: async ({ id, pid }) => {
      const box = machine.boxes.get(id);
      if (!box || box.pid !== pid || pid <= 0) return { available: false, why: 'it does not run', advice: 'start it' };
      return { available: true, connections: connectionsOf(machine, connections, box) };
    },
    closer: async ({ id, pid }) => ({
      close: async (ends) => {
        const box = machine.boxes.get(id);
        if (!box || box.pid !== pid || pid <= 0)
          return { available: false, why: 'it does not run', advice: 'start it' };
        const named = connections.filter((one, number) => one.server === box && ends.includes(String(number)));
        const open = named.filter((one) => one.isOpen());
        for (const one of open) one.close();
        return { available: true, closed: open.length };
      },
      end: () => {},
    }),
    sharesNetwork: async ({ id }) => machine.boxes.get(id)?.host.NetworkMode === 'host',
    listening: async ({ id, pid }) => {
      const box = machine.boxes.get(id);
      if (!box || box.pid !== pid || pid <= 0) return undefined;
      return listensAt(box, machine.clock.now()).map((port) => ({ port, loopback: false }));
    },
    reachable: async ({ host }) => {
      const box = [...machine.boxes.values()].find((one) => hasAddress(machine, one, host));
      const ok = box !== undefined && answers(machine, box);
      return { ok, reached: box !== undefined, output: ok ? 'HTTP 200' : 'connect ECONNREFUSED' };
    },
  };
}

// The host's view of a container: connections of clients of this world, and other clients of the test.
function connectionsOf(machine: Machine, connections: readonly Connection[], box: Box): Diagnosed[] {
  const open = connections.filter((one) => one.server === box && one.isOpen());
  const busy = box.busyUntil > machine.clock.now() ? [diagnosed('busy', true)] : [];
  const idle = box.idleUntil > machine.clock.now() ? [diagnosed('idle', false)] : [];
  return [...open.map((one) => diagnosed(String(connections.indexOf(one)), one.isAsked())), ...busy, ...idle];
}

// Silent for a minute. In a busy one the client has sent last.
function diagnosed(ends: string, busy: boolean): Diagnosed {
  const [sinceSent, sinceReceived] = busy ? [60_010, 60_000] : [60_000, 60_010];
  return {
    ends,
    queued: 0,
    unacked: 0,
    sent: 100,
    received: 100,
    sinceSent,
    sinceReceived,
    sinceAck: 60_000,
    roundTrip: 0,
  };
}

// A container in another's network is reached at the other's address.
function hasAddress(machine: Machine, box: Box, host: string): boolean {
  const owner = namespaceOwner(box.host.NetworkMode);
  const { networks }: Pick<Container, 'networks'> = owner === undefined ? box : (boxOf(machine, owner) ?? box);
  return Object.values(networks).some((one) => [one.IPAddress, one.GlobalIPv6Address].includes(host));
}
