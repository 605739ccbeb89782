import type { Container, HostConfig } from '../model/container.ts';
import { type Successors, successorLinks, successorSharing } from '../model/references.ts';
import { mountRequests } from './mounts.ts';
import { networkMode } from './networks.ts';

/** The differences between the container's present host config and the one to ask for. */
export interface HostChange {
  /** The candidate shares these with the successors of replaced containers. */
  readonly successors: Successors;
  /** Mount targets that come from `VolumesFrom`. */
  readonly inheritedTargets: ReadonlySet<string>;
}

/** The host config to create with: the user's, in a form that the create call accepts. */
export function hostRequest(container: Container, change: HostChange): HostConfig {
  const host: HostConfig = { ...container.host, ...mountRequests(container, change.inheritedTargets) };
  delete host.ContainerIDFile;
  const network = networkMode(container);
  if (network !== undefined) host.NetworkMode = network;
  Object.assign(host, successorSharing(host, change.successors));
  if (host.Links) host.Links = successorLinks(host.Links, change.successors);
  if (host.DeviceRequests) host.DeviceRequests = host.DeviceRequests.map(exactlyOne);
  return host;
}

/** The same host config for a stand-in: the same ports on the same addresses, at host ports that the engine picks. */
export function standInHost(host: HostConfig): HostConfig {
  const ports = Object.entries(host.PortBindings ?? {}).map(([port, bindings]) => {
    return [port, (bindings ?? []).map((binding) => ({ ...binding, HostPort: '' }))] as const;
  });
  return {
    ...rehearsalHost(host),
    PortBindings: Object.fromEntries(ports),
    PublishAllPorts: host.PublishAllPorts ?? false,
  };
}

/** The host config for a rehearsal: nothing is published, and the container neither restarts nor vanishes. */
export function rehearsalHost(host: HostConfig): HostConfig {
  return { ...host, PortBindings: {}, PublishAllPorts: false, AutoRemove: false, RestartPolicy: { Name: 'no' } };
}

// The engine refuses a request with both, but shows both in an inspect (T24).
function exactlyOne<T extends { Count?: number; DeviceIDs?: string[] | null }>(request: T): T {
  const { Count, DeviceIDs, ...rest } = request;
  return (DeviceIDs?.length ? { ...rest, DeviceIDs } : { ...rest, Count: Count ?? 0 }) as T;
}
