import type { Container } from '../model/container.ts';
import { hasAddress } from '../recreate/networks.ts';

/** A resource of a container that a second container beside it can't have, or must not have. */
export interface Exclusive {
  readonly kind: 'port' | 'port-range' | 'volume' | 'address' | 'namespace' | 'device';
  /** A verb phrase for people: `publishes the host port 8080/tcp`. */
  readonly what: string;
  /** True: the engine or kernel refuses a second user; false: a second user might only do harm. */
  readonly hard: boolean;
  /** True: a rehearsal can run without the resource. */
  readonly rehearsable: boolean;
  /** How to make the resource shareable, in the imperative. */
  readonly change: string;
}

/** All exclusive resources of a container, the most important first. */
export function exclusives(container: Container): Exclusive[] {
  return [
    ...namespaces(container),
    ...ports(container),
    ...addresses(container),
    ...devices(container),
    ...volumes(container),
  ];
}

/** The host ports that the user fixed, like `8080/tcp`; ephemeral ones are no obstacle. */
export function fixedPorts(container: Pick<Container, 'host'>): string[] {
  const bindings = Object.entries(container.host.PortBindings ?? {});
  return bindings.flatMap(([port, hosts]) => {
    const protocol = port.split('/')[1] ?? 'tcp';
    return (hosts ?? []).flatMap(({ HostPort }) => (HostPort && HostPort !== '0' ? [`${HostPort}/${protocol}`] : []));
  });
}

function ports(container: Container): Exclusive[] {
  const fixed = [...new Set(fixedPorts(container))];
  if (fixed.length === 0) return [];
  const what = `publishes the host port${fixed.length > 1 ? 's' : ''} ${fixed.slice(0, 4).join(', ')}${fixed.length > 4 ? ', …' : ''}`;
  // The engine picks a port out of a range, so swapctl can't know in advance which port to redirect.
  const kind = fixed.every((port) => /^\d+\//.test(port)) ? 'port' : 'port-range';
  return [{ kind, what, hard: true, rehearsable: true, change: 'publish no fixed host port' }];
}

function namespaces(container: Container): Exclusive[] {
  const mode = container.host.NetworkMode ?? '';
  const hard = {
    kind: 'namespace',
    hard: true,
    rehearsable: false,
    change: 'give it a network of its own',
  } as const;
  if (mode === 'host') return [{ ...hard, what: "listens in the host's network" }];
  if (mode.startsWith('container:')) return [{ ...hard, what: "lives in another container's network" }];
  return [];
}

function addresses(container: Container): Exclusive[] {
  const fixed = {
    kind: 'address',
    hard: true,
    rehearsable: true,
    change: 'drop the fixed address',
  } as const;
  return Object.entries(container.networks).flatMap(([network, endpoint]) => {
    if (hasAddress(endpoint)) return [{ ...fixed, what: `has a fixed address on the network ${network}` }];
    if (container.configuredMacs[network])
      return [{ ...fixed, what: `has a fixed MAC address on the network ${network}` }];
    return [];
  });
}

// Devices that several processes share by design, or that are no real devices.
const SHARED_DEVICES =
  /^\/dev\/(dri|fuse|kvm|net\/tun|kfd|dxg|kmsg|hwrng|ptmx|null|zero|full|random|urandom|snd|vhost-net|vhost-vsock|shm|log|mqueue|hugepages)(\/|$)|\.sock$/;

function devices(container: Container): Exclusive[] {
  const [what] = devicesUsed(container);
  const change = 'set swapctl.strategy=start-first';
  return what === undefined ? [] : [{ kind: 'device', hard: false, rehearsable: false, change, what }];
}

function devicesUsed({ host, mounts }: Container): string[] {
  const alone = (paths: readonly string[]): string[] => paths.filter((path) => !SHARED_DEVICES.test(path));
  // A read-only mount of a device still permits writes to it: it only protects the name from removal.
  const mounted = mounts.filter(({ type, source }) => type === 'bind' && /^\/dev(\/|$)/.test(source));
  const [rule] = host.DeviceCgroupRules ?? [];
  return [
    ...alone((host.Devices ?? []).map((device) => device.PathOnHost ?? '')).map((path) => `uses the device ${path}`),
    ...(host.DeviceRequests?.length ? ['uses a GPU'] : []),
    ...alone(mounted.map(({ source }) => source)).map((path) => `mounts ${path}`),
    ...(rule === undefined ? [] : [`may use the devices of the cgroup rule "${rule}"`]),
    ...(host.Privileged ? ['is privileged, so that it may use any device'] : []),
  ];
}

// Sockets and the host's clock settings are often mounted writable, but no app writes to them.
const SAFE_SOURCE =
  /(\.sock$|^\/etc\/(localtime|timezone|hosts|resolv\.conf|ssl\/|ca-certificates)|^\/usr\/share\/zoneinfo\/|^\/dev(\/|$)|^\/sys\/|^\/proc\/)/;

function volumes(container: Container): Exclusive[] {
  const written = container.mounts.filter(
    (mount) => mount.writable && (mount.type === 'volume' || mount.type === 'bind'),
  );
  return written
    .filter((mount) => !SAFE_SOURCE.test(mount.source))
    .map((mount) => ({
      kind: 'volume' as const,
      what: `can write to ${mount.type === 'bind' ? mount.source : `the volume at ${mount.target}`}`,
      hard: false,
      rehearsable: false,
      change: 'mount it read-only or set swapctl.volumes=shared',
    }));
}
