import { type Container, type HostConfig, namespaceOwner } from '../container.ts';
import { mountRequests } from './mounts.ts';
import { networkMode } from './networks.ts';

/** What differs from the container's host config as it stands when it is asked for again. */
export interface HostChange {
  /** Ids and names of containers that were replaced, and ids of those that took their place: what was shared follows. */
  readonly successors: ReadonlyMap<string, string>;
  /** Mount targets that `VolumesFrom` brings. */
  readonly inheritedTargets: ReadonlySet<string>;
}

/** The host config to create with: the user's, made acceptable to the create call again. */
export function hostRequest(container: Container, change: HostChange): HostConfig {
  const host: HostConfig = { ...container.host, ...mountRequests(container, change.inheritedTargets) };
  delete host.ContainerIDFile;
  const network = networkMode(container);
  if (network !== undefined) host.NetworkMode = network;
  Object.assign(host, followedModes(host, change.successors));
  if (host.VolumesFrom) host.VolumesFrom = host.VolumesFrom.map((entry) => followVolumes(entry, change.successors));
  if (host.Links) host.Links = host.Links.map((link) => normalLink(link, change.successors));
  if (host.DeviceRequests) host.DeviceRequests = host.DeviceRequests.map(exactlyOne);
  return host;
}

/** The namespaces of others that a container lives in, of those who took their place where they were replaced. */
export function followedModes(host: HostConfig, successors: ReadonlyMap<string, string>): Partial<HostConfig> {
  const followed: Partial<HostConfig> = {};
  for (const field of ['NetworkMode', 'PidMode', 'IpcMode'] as const) {
    const owner = namespaceOwner(host[field]);
    if (owner !== undefined) followed[field] = `container:${follow(owner, successors)}`;
  }
  return followed;
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

/** The same host config for a container that only proves its image: nothing published, nothing that restarts or vanishes. */
export function rehearsalHost(host: HostConfig): HostConfig {
  return { ...host, PortBindings: {}, PublishAllPorts: false, AutoRemove: false, RestartPolicy: { Name: 'no' } };
}

function follow(reference: string, successors: ReadonlyMap<string, string>): string {
  return successors.get(reference) ?? reference;
}

function followVolumes(entry: string, successors: ReadonlyMap<string, string>): string {
  const [from = '', ...mode] = entry.split(':');
  return [follow(from, successors), ...mode].join(':');
}

// Inspect shows `/child:/parent/alias`; create takes `child:alias` (T15).
function normalLink(link: string, successors: ReadonlyMap<string, string>): string {
  const [child = '', path = ''] = link.split(':');
  return `${follow(child.replace(/^\//, ''), successors)}:${path.slice(path.lastIndexOf('/') + 1)}`;
}

// The engine refuses a request with both, and fills in the other when it shows one (T24).
function exactlyOne<T extends { Count?: number; DeviceIDs?: string[] | null }>(request: T): T {
  const { Count, DeviceIDs, ...rest } = request;
  return (DeviceIDs?.length ? { ...rest, DeviceIDs } : { ...rest, Count: Count ?? 0 }) as T;
}
