// Networks: the addresses and host ports of running containers.
import { type Endpoint, type HostConfig, namespaceOwner, type PublishedPort } from '../../src/core/model/container.ts';
import type { Bridge } from '../../src/ports/ports.ts';
import { type Box, boxOf, type Machine, refuse, type StoredNetwork } from './machine.ts';

/** The endpoints of a newly created container. */
export function endpointsOf(
  machine: Machine,
  host: HostConfig,
  asked: Readonly<Record<string, Endpoint>>,
): Record<string, Endpoint> {
  const mode = host.NetworkMode ?? 'default';
  if (namespaceOwner(mode) !== undefined) return {};
  if (mode === 'none' || mode === 'host') return { [mode]: unreached({}) };
  const primary = mode === 'default' ? 'bridge' : (byId(machine, mode)?.name ?? mode);
  const wanted = { [primary]: asked[primary] ?? {}, ...asked };
  return Object.fromEntries(Object.entries(wanted).map(([name, endpoint]) => [name, unreached(endpoint)]));
}

function byId(machine: Machine, id: string): StoredNetwork | undefined {
  return [...machine.networks.values()].find((network) => network.id === id);
}

// The user's settings stay, the run state goes.
function unreached({ IPAMConfig, Links, Aliases, DriverOpts }: Endpoint): Endpoint {
  const kept = { IPAMConfig: IPAMConfig ?? null, Links: Links ?? null, Aliases: Aliases ?? [] };
  return {
    ...kept,
    DriverOpts: DriverOpts ?? null,
    IPAddress: '',
    GlobalIPv6Address: '',
    MacAddress: '',
    NetworkID: '',
  };
}

/** Gives a starting container its addresses. Raises if they are taken. */
export function join(machine: Machine, box: Box): void {
  const owner = namespaceOwner(box.host.NetworkMode);
  if (owner !== undefined) joinOwner(machine, owner);
  const joined: Record<string, Endpoint> = {};
  for (const [name, endpoint] of Object.entries(box.networks)) {
    const network = machine.networks.get(name);
    if (name === 'none' || name === 'host') joined[name] = endpoint;
    else if (!network) refuse(404, `network ${name} not found`);
    else joined[name] = connected(network, endpoint);
  }
  box.networks = joined;
}

function joinOwner(machine: Machine, owner: string): void {
  const found = boxOf(machine, owner);
  if (!found) refuse(404, `No such container: ${owner}`);
  if (found.status !== 'running' && found.status !== 'paused')
    refuse(409, `cannot join network of a non running container: ${found.id}`);
}

function connected(network: StoredNetwork, endpoint: Endpoint): Endpoint {
  const fixed = endpoint.IPAMConfig?.IPv4Address;
  const address = fixed || lowestFree(network);
  if (network.taken.has(address)) refuse(403, `Address already in use`);
  network.taken.add(address);
  const mac = `02:42:${address
    .split('.')
    .map((part) => Number(part).toString(16).padStart(2, '0'))
    .join(':')}`;
  return { ...endpoint, IPAddress: address, MacAddress: mac, NetworkID: network.id };
}

// The hardest case for redirects: the next container gets the address of the last one to leave.
function lowestFree({ prefix, taken }: StoredNetwork): string {
  for (let last = 2; ; last++) if (!taken.has(`${prefix}.0.${last}`)) return `${prefix}.0.${last}`;
}

/** Releases the addresses of an ended container. */
export function leave(machine: Machine, box: Box): void {
  for (const [name, endpoint] of Object.entries(box.networks)) {
    if (!endpoint.IPAddress) continue;
    machine.networks.get(name)?.taken.delete(endpoint.IPAddress);
    box.networks = { ...box.networks, [name]: unreached(endpoint) };
  }
}

/** Takes a container off a network, as `docker network disconnect` does. */
export function disconnect(machine: Machine, box: Box, name: string): void {
  const { [name]: gone, ...rest } = box.networks;
  if (gone?.IPAddress) machine.networks.get(name)?.taken.delete(gone.IPAddress);
  box.networks = rest;
}

const FIRST_EPHEMERAL = 32_768;

/** Gives a starting container its host ports, among those that it exposes. Raises if another one has them. */
export function publish(machine: Machine, box: Box): readonly PublishedPort[] {
  const found: PublishedPort[] = [];
  for (const [containerPort, bindings] of Object.entries(bindingsOf(box))) {
    if (!(containerPort in (box.config.ExposedPorts ?? {}))) continue;
    for (const { HostIp = '', HostPort = '' } of bindings ?? []) {
      const hostPort = HostPort === '' || HostPort === '0' ? freePort(machine, containerPort) : Number(HostPort);
      take(machine, box, hostPort, containerPort);
      found.push({ containerPort, hostIp: HostIp || '0.0.0.0', hostPort });
    }
  }
  return found;
}

function bindingsOf({ host, config }: Box): NonNullable<HostConfig['PortBindings']> {
  const exposed = host.PublishAllPorts ? Object.keys(config.ExposedPorts ?? {}).map((port) => [port, [{}]]) : [];
  return { ...Object.fromEntries(exposed), ...host.PortBindings };
}

function take(machine: Machine, box: Box, hostPort: number, containerPort: string): void {
  const key = portKey(hostPort, containerPort);
  const holder = machine.hostPorts.get(key);
  if (holder === undefined) return void machine.hostPorts.set(key, box.id);
  unpublish(machine, box);
  refuse(
    500,
    `driver failed programming external connectivity on endpoint ${box.name}: Bind for 0.0.0.0:${hostPort} failed: port is already allocated`,
  );
}

function freePort(machine: Machine, containerPort: string): number {
  for (let port = FIRST_EPHEMERAL; ; port++) if (!machine.hostPorts.has(portKey(port, containerPort))) return port;
}

export function portKey(hostPort: number, containerPort: string): string {
  return `${hostPort}/${containerPort.split('/')[1] ?? 'tcp'}`;
}

export function unpublish(machine: Machine, box: Box): void {
  for (const [port, id] of machine.hostPorts) if (id === box.id) machine.hostPorts.delete(port);
}

export function bridgesOf(machine: Machine): Bridge[] {
  return [...machine.networks.values()].map(({ id, prefix }) => ({
    device: `br-${id.slice(0, 12)}`,
    subnets: [`${prefix}.0.0/16`],
  }));
}

/** True: the name reaches the container on the network. */
export function isCalled(box: Box, network: string, name: string): boolean {
  const endpoint = box.networks[network];
  if (!endpoint?.IPAddress) return false;
  return box.name === name || (endpoint.Aliases ?? []).includes(name);
}
