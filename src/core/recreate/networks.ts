import type { Container, Endpoint } from '../model/container.ts';
import { type Successors, successorNetworkLinks } from '../model/references.ts';

/** The differences between the container's present networks and those to ask for. */
export interface EndpointChange {
  /** Extra alias on networks that resolve names, so that the name answers without a break while it changes hands. */
  readonly alias: string | undefined;
  /** Leave out static addresses, MAC and aliases: clients must not reach a rehearsal. */
  readonly detached: boolean;
  /** The links to a replaced container name its successor. */
  readonly successors: Successors;
}

// `container:…`, `host` and `none` have no endpoint of their own to configure.
const WITHOUT_DNS = new Set(['bridge', 'default', 'host', 'none']);

/** The endpoints to create with: those of the user, without the run state that inspect mixes in (moby#48168). */
export function endpointRequests(container: Container, change: EndpointChange): Record<string, Endpoint> {
  const mode = container.host.NetworkMode ?? 'default';
  if (mode.startsWith('container:') || mode === 'host' || mode === 'none') return {};
  const entries = Object.entries(container.networks).map(([name, endpoint]) => {
    return [name, endpointRequest(container, name, endpoint, change)] as const;
  });
  return Object.fromEntries(entries);
}

/** The network whose endpoint takes the container-wide settings (MAC address on API < 1.44). `default` means `bridge` (T17). */
export function primaryNetwork(container: Pick<Container, 'host' | 'networks'>): string {
  const mode = container.host.NetworkMode ?? 'default';
  if (mode === 'default') return 'bridge';
  const byId = Object.entries(container.networks).find(([, endpoint]) => endpoint.NetworkID === mode);
  return byId?.[0] ?? mode;
}

/** The network mode to create with. A container that has left the network of its creation must not rejoin it. */
export function networkMode(container: Pick<Container, 'host' | 'networks'>): string | undefined {
  // An engine may show an unset field as null.
  const mode = container.host.NetworkMode ?? undefined;
  if (mode === undefined || mode.startsWith('container:') || mode === 'host' || mode === 'none') return mode;
  const names = Object.keys(container.networks);
  return names.includes(primaryNetwork(container)) ? mode : (names[0] ?? mode);
}

/** True: the engine's DNS answers for container names on the network. */
export function resolvesNames(network: string): boolean {
  return !WITHOUT_DNS.has(network);
}

function endpointRequest(container: Container, name: string, endpoint: Endpoint, change: EndpointChange): Endpoint {
  const request: Endpoint = {};
  if (endpoint.DriverOpts) request.DriverOpts = endpoint.DriverOpts;
  if (endpoint.GwPriority) request.GwPriority = endpoint.GwPriority;
  if (endpoint.Links?.length) request.Links = successorNetworkLinks(endpoint, change.successors);
  if (change.detached) return request;
  if (hasAddress(endpoint)) request.IPAMConfig = endpoint.IPAMConfig ?? null;
  const mac = container.configuredMacs[name];
  if (mac) request.MacAddress = mac;
  const aliases = [...(endpoint.Aliases ?? [])];
  if (change.alias && resolvesNames(name) && !aliases.includes(change.alias)) aliases.push(change.alias);
  if (aliases.length > 0) request.Aliases = aliases;
  return request;
}

/** True: the user gave the endpoint a static address. */
export function hasAddress(endpoint: Endpoint): boolean {
  const ipam = endpoint.IPAMConfig;
  return Boolean(ipam?.IPv4Address || ipam?.IPv6Address || ipam?.LinkLocalIPs?.length);
}
