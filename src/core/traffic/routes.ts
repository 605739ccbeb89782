import type { Container, ContainerSummary, HostConfig, PublishedPort } from '../model/container.ts';

/** One published port of a slot, and the stand-in's address for it. */
export interface Route {
  readonly protocol: 'tcp' | 'udp';
  /** Host address that the port is published on; `0.0.0.0` and `::` mean all of the family. */
  readonly hostIp: string;
  readonly hostPort: number;
  /** The stand-in's address and port inside its network, and the ephemeral host port that it is published on. */
  readonly target: { readonly ip: string; readonly port: number; readonly hostPort: number };
}

/**
 * The redirect of a slot's published ports to its stand-in. `expiring`: the rule ends by itself, so that the incumbent serves if
 * swapctl dies. `shared`: the same, for a share of new connections. `lasting`: the incumbent is about to release the ports.
 * `over`: new connections are no longer redirected, but the rules stay for open ones: if they alone make the kernel track
 * connections (IPv6 on most engines), removing them would cut these.
 */
export type PortRedirect = 'none' | 'shared' | 'expiring' | 'lasting' | 'over';

/** True: all new connections go to the stand-in. */
export function isActive(portRedirect: PortRedirect): boolean {
  return portRedirect === 'expiring' || portRedirect === 'lasting';
}

/** True: some or all new connections go to the stand-in. */
export function isAnyActive(portRedirect: PortRedirect): boolean {
  return isActive(portRedirect) || portRedirect === 'shared';
}

/**
 * A redirect of new connections from one container's addresses in its networks to another container. `over`: ended for new
 * connections, while redirected ones continue; `impossible`: an attempt failed.
 */
export interface AddressRedirect {
  /** Container ids; for a removed container perhaps only a prefix. */
  readonly from: string;
  readonly to: string;
  readonly state: 'leads' | 'over' | 'impossible';
  /** The share of new connections that is redirected; undefined: all. */
  readonly percent?: number | undefined;
}

/**
 * Pairs the host ports that a container fixes with those of its stand-in, which publishes the same container ports on the same
 * addresses at other host ports. Undefined if one has no counterpart.
 */
export function pairRoutes(
  fixed: HostConfig['PortBindings'],
  standIn: readonly PublishedPort[],
  ip: string,
): Route[] | undefined {
  const spare = [...standIn];
  const routes: Route[] = [];
  for (const [containerPort, bindings] of Object.entries(fixed ?? {})) {
    for (const { HostIp = '', HostPort = '' } of bindings ?? []) {
      if (HostPort === '' || HostPort === '0') continue;
      // Without an address the engine publishes on all of IPv4 and, if it can, on all of IPv6.
      const addresses = HostIp === '' ? ['0.0.0.0', '::'] : [canonical(HostIp)];
      const found = addresses.flatMap((address) => take(spare, containerPort, address));
      if (found.length === 0) return undefined;
      routes.push(...found.map((port) => routeTo(port, Number(HostPort), ip)));
    }
  }
  return routes;
}

// The engine keeps an address as the user wrote it, and shows a published one in its shortest form.
function canonical(address: string): string {
  const url = `http://[${address}]`;
  return address.includes(':') && URL.canParse(url) ? new URL(url).hostname.slice(1, -1) : address;
}

function take(spare: PublishedPort[], containerPort: string, address: string): PublishedPort[] {
  const at = spare.findIndex((port) => port.containerPort === containerPort && port.hostIp === address);
  return at < 0 ? [] : spare.splice(at, 1);
}

function routeTo(port: PublishedPort, hostPort: number, ip: string): Route {
  const [number, protocol] = port.containerPort.split('/');
  return {
    protocol: protocol === 'udp' ? 'udp' : 'tcp',
    hostIp: port.hostIp,
    hostPort,
    target: { ip, port: Number(number), hostPort: port.hostPort },
  };
}

/** A running container, as the kernel identifies it. */
export type Process = Pick<Container, 'id' | 'pid'>;

/** Finds a container by its id or a prefix of the id; undefined if it is gone. */
export type FindProcess = (id: string) => Promise<Process | undefined>;

/** The container whose connections an address redirect moves, and its addresses. */
export type RedirectStart = Pick<Container, 'id' | 'networks'>;

/** The running container that gets the connections of an address redirect. */
export type RedirectEnd = RedirectStart & Process;

/** The addresses of containers in a list; undefined if the list lacks those of a container in one of the networks. */
export function knownAddresses(
  all: readonly Pick<ContainerSummary, 'status' | 'networks' | 'addresses'>[],
  { networks }: RedirectStart,
): string[] | undefined {
  const around = all.filter((one) => one.status === 'running' && one.networks.some((name) => networks[name]));
  if (around.some(({ addresses }) => addresses.length === 0)) return undefined;
  return all.flatMap(({ addresses }) => addresses);
}

/** Gets the addresses of a container that is being started, by network. */
export type Joined = (networks: Container['networks']) => Promise<void>;

/** A connection to a redirected address: its client, and the address that the client used. */
export interface RedirectedClient {
  readonly address: string;
  readonly port: number;
  readonly to: string;
}

/** The request for a redirect of a slot's ports to its stand-in. */
export interface PortRedirectRequest {
  /** The host ports that the slot's container fixes. */
  readonly ports: HostConfig['PortBindings'];
  readonly standIn: Pick<Container, 'id' | 'pid' | 'published' | 'networks' | 'name'>;
  /** Host interfaces of the engine's bridge networks. */
  readonly bridges: readonly string[];
  readonly lifetimeMs: number | undefined;
  /** The share of new connections that is redirected; undefined: all. */
  readonly percent?: number | undefined;
  /** Addresses of a container that is about to stop: packets of unanswered connections must not reach it any more. */
  readonly leaving: readonly string[];
}

/** The IPv4 addresses of a container in its networks. */
export function ipv4Of({ networks }: Pick<Container, 'networks'>): string[] {
  return Object.values(networks).flatMap(({ IPAddress }) => (IPAddress ? [IPAddress] : []));
}
