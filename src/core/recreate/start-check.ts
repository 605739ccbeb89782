import type { Container, CreateRequest, HostConfig, MountRequest } from '../model/container.ts';
import { namespaceOwner } from '../model/container.ts';
import { hostRequest, rehearsalHost } from './host.ts';
import { mountRequests, mountTargets } from './mounts.ts';

/**
 * A stopped container can start again only if the host still has the paths of its bind mounts, its devices, network volumes, log
 * driver and runtime. Only the engine can check that, so swapctl starts an inert container with the same host config and a
 * program that does not exist. The engine looks for the program last, so "no such program" means that everything else is there.
 */
export const NO_PROGRAM = '/swapctl/no-such-program';

/** True: by the engine's words, nothing but the program is missing. */
export function missedOnlyProgram(words: string): boolean {
  return words.includes(NO_PROGRAM);
}

/** True: the start of the container needs something from the host that may vanish while it runs. */
export function needsHost({ mounts, host }: Pick<Container, 'mounts' | 'host'>): boolean {
  return (
    mounts.some(({ type }) => type !== 'tmpfs') ||
    LISTS.some((field) => isFilled(host[field])) ||
    ![undefined, '', 'runc', 'crun'].includes(host.Runtime as string | undefined) ||
    !LOCAL_LOGS.includes(logDriver(host)) ||
    [host.NetworkMode, host.PidMode, host.IpcMode].some((mode) => namespaceOwner(mode) !== undefined)
  );
}

const LISTS = ['Devices', 'DeviceRequests', 'SecurityOpt', 'VolumesFrom'] as const;
// These log drivers need nothing but the engine's own folder.
const LOCAL_LOGS = ['', 'json-file', 'local', 'none', 'journald', 'k8s-file'];

function isFilled(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0;
}

function logDriver({ LogConfig }: HostConfig): string {
  return (LogConfig as { Type?: string } | null | undefined)?.Type ?? '';
}

/**
 * The create call for the inert container: the host config of `container`, but no ports, no network of its own, and no bind mount
 * whose source the engine would create.
 */
export function startCheckRequest(container: Container, name: string, labels: Record<string, string>): CreateRequest {
  const host = rehearsalHost(hostRequest(container, { successors: new Map(), inheritedTargets: new Set() }));
  const { NetworkMode: mode } = host;
  const shares = mode === 'host' || namespaceOwner(mode) !== undefined;
  return {
    name,
    config: {
      Image: container.imageId,
      Entrypoint: [NO_PROGRAM],
      Cmd: [],
      Labels: labels,
      Healthcheck: { Test: ['NONE'] },
    },
    host: {
      ...host,
      Binds: null,
      Mounts: strictMounts(container),
      VolumesFrom: null,
      Links: null,
      Init: false,
      NetworkMode: shares ? (mode as string) : 'none',
    },
    networks: {},
  };
}

// The engine creates a missing source of `Binds`, but refuses one of `Mounts`.
function strictMounts(container: Container): MountRequest[] {
  const { Binds, Mounts } = mountRequests(container, new Set());
  const own = mountTargets(container.host);
  const inherited = container.mounts.filter(({ type, target }) => type === 'bind' && !own.has(target));
  return [
    ...(Binds ?? []).map(fromBind),
    ...(Mounts ?? []),
    ...inherited.map(({ source, target, writable }) => bindMount(source, target, !writable)),
  ].map(strict);
}

const PROPAGATIONS = new Set(['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave']);

// `source:target[:options]`, see HostConfig.Binds in the engine API.
function fromBind(bind: string): MountRequest {
  const [source = '', target = '', options = ''] = bind.split(':');
  const words = options.split(',');
  const readOnly = words.includes('ro');
  if (!source.startsWith('/')) return { Type: 'volume', Source: source, Target: target, ReadOnly: readOnly };
  const propagation = words.find((word) => PROPAGATIONS.has(word));
  const mount = bindMount(source, target, readOnly);
  return propagation ? { ...mount, BindOptions: { Propagation: propagation } } : mount;
}

function bindMount(source: string, target: string, readOnly: boolean): MountRequest {
  return { Type: 'bind', Source: source, Target: target, ReadOnly: readOnly };
}

// Create nothing on the host, and copy nothing of the image into an empty volume.
function strict(mount: MountRequest): MountRequest {
  if (mount.Type === 'volume') return { ...mount, VolumeOptions: { ...object(mount.VolumeOptions), NoCopy: true } };
  const options = object(mount.BindOptions);
  if (mount.Type !== 'bind' || !('CreateMountpoint' in options)) return mount;
  return { ...mount, BindOptions: { ...options, CreateMountpoint: false } };
}

function object(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
