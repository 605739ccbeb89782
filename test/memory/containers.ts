// Containers as they are created, shown, renamed and removed.
import type {
  Container,
  ContainerConfig,
  CreateRequest,
  Endpoint,
  ListedContainer,
  Mount,
  MountRequest,
  RestartPolicy,
} from '../../src/core/model/container.ts';
import { namespaceOwner } from '../../src/core/model/container.ts';
import { freshHealth, healthOf, programFor } from './apps.ts';
import { tell } from './events.ts';
import { imageNamed } from './images.ts';
import { type Box, boxOf, changed, isUp, type Machine, mustBox, newId, refuse } from './machine.ts';
import { endpointsOf, leave, unpublish } from './networks.ts';
import { anonymousVolume, volumeNamed } from './volumes.ts';

/** Creates a container; returns its id. */
export function create(machine: Machine, request: CreateRequest): string {
  const { name, host } = request;
  const image = imageNamed(machine, request.config.Image ?? '');
  if (!image) refuse(404, `No such image: ${request.config.Image}`);
  refuseTaken(machine, name);
  if (host.AutoRemove && (host.RestartPolicy?.Name || 'no') !== 'no')
    refuse(400, "can't create 'AutoRemove' container with restart policy");
  const id = newId(machine, 'c');
  const config = merged(request.config, image.config, id, request);
  const box: Box = {
    id,
    name,
    image,
    config,
    host: {
      NetworkMode: 'default',
      ...host,
      RestartPolicy: host.RestartPolicy ?? { Name: 'no', MaximumRetryCount: 0 },
    },
    createdAt: machine.clock.now(),
    status: 'created',
    pid: 0,
    exitCode: 0,
    error: '',
    startedAt: 0,
    finishedAt: 0,
    restartCount: 0,
    networks: endpointsOf(machine, host, request.networks),
    mounts: mountsOf(machine, request, config),
    published: [],
    files: new Map(),
    logs: [],
    app: programFor(image.app, config.Cmd),
    stoppedByHand: false,
    run: 0,
    sickSince: Infinity,
    health: freshHealth(),
    busyUntil: 0,
    idleUntil: 0,
    shown: undefined,
  };
  machine.boxes.set(id, box);
  machine.names.set(name, box);
  changed(machine);
  tell(machine, 'container', id, 'create');
  return id;
}

function refuseTaken(machine: Machine, name: string): void {
  const other = machine.names.get(name);
  if (other)
    refuse(
      409,
      `Conflict. The container name "/${name}" is already in use by container "${other.id}". You have to remove (or rename) that container to be able to reuse that name.`,
    );
}

// moby, daemon/commit.go (merge) and the defaults of a new container.
function merged(own: ContainerConfig, image: ContainerConfig, id: string, { host }: CreateRequest): ContainerConfig {
  const names = new Set((own.Env ?? []).map((pair) => pair.split('=')[0]));
  const env = [...(own.Env ?? []), ...(image.Env ?? []).filter((pair) => !names.has(pair.split('=')[0]))];
  const shares = namespaceOwner(host.NetworkMode) !== undefined;
  return {
    ...image,
    ...own,
    ...command(own, image),
    Hostname: own.Hostname || (shares || host.NetworkMode === 'host' ? '' : id.slice(0, 12)),
    User: own.User || image.User || '',
    WorkingDir: own.WorkingDir || image.WorkingDir || '',
    Env: env,
    Labels: { ...image.Labels, ...own.Labels },
    ExposedPorts: { ...image.ExposedPorts, ...own.ExposedPorts },
    Volumes: { ...image.Volumes, ...own.Volumes },
    ...health(own, image),
  };
}

// The image's command counts only if the user set no entrypoint.
function command(own: ContainerConfig, image: ContainerConfig): Pick<ContainerConfig, 'Entrypoint' | 'Cmd'> {
  const entry = own.Entrypoint ?? [];
  const cmd = own.Cmd ?? [];
  if (entry.length > 0) return { Entrypoint: entry[0] === '' ? null : entry, Cmd: cmd.length > 0 ? cmd : null };
  return { Entrypoint: image.Entrypoint ?? null, Cmd: cmd.length > 0 ? cmd : (image.Cmd ?? null) };
}

function health(own: ContainerConfig, image: ContainerConfig): Pick<ContainerConfig, 'Healthcheck'> {
  if (!own.Healthcheck && !image.Healthcheck) return {};
  const set = Object.entries(own.Healthcheck ?? {}).filter(([, value]) => value);
  return { Healthcheck: { ...image.Healthcheck, ...Object.fromEntries(set) } };
}

function mountsOf(machine: Machine, { host }: CreateRequest, config: ContainerConfig): Mount[] {
  const asked = [...(host.Binds ?? []).map(fromBind), ...(host.Mounts ?? [])];
  const mounts = [...asked, ...inherited(machine, host.VolumesFrom ?? [])].map((one) => mountOf(machine, one));
  const targets = new Set(mounts.map(({ target }) => target));
  const declared = Object.keys(config.Volumes ?? {}).filter((target) => !targets.has(target));
  return [...mounts, ...declared.map((Target) => mountOf(machine, { Type: 'volume', Target }))];
}

function fromBind(bind: string): MountRequest {
  const [source = '', target, mode] = bind.split(':');
  if (target === undefined) return { Type: 'volume', Target: source };
  const Type = source.startsWith('/') ? 'bind' : 'volume';
  return { Type, Source: source, Target: target, ReadOnly: mode === 'ro' };
}

function inherited(machine: Machine, from: readonly string[]): MountRequest[] {
  return from.flatMap((entry) => {
    const { mounts } = mustBox(machine, entry.split(':')[0] ?? '');
    return mounts.map(({ type: Type, name, source, target, writable }) => {
      return { Type, Source: name || source, Target: target, ReadOnly: !writable };
    });
  });
}

function mountOf(machine: Machine, { Type: type, Source, Target: target, ReadOnly }: MountRequest): Mount {
  const writable = ReadOnly !== true;
  if (type !== 'volume') return { type, name: '', source: Source ?? '', target, writable, driver: '' };
  const { name } = Source ? volumeNamed(machine, Source) : anonymousVolume(machine);
  return { type, name, source: `/volumes/${name}/_data`, target, writable, driver: 'local' };
}

/** One container, as an inspect shows it. */
export function inspected(machine: Machine, reference: string): Container | undefined {
  const box = boxOf(machine, reference);
  if (!box) return undefined;
  // The result of its health checks changes by itself.
  const health = healthOf(box, machine.clock.now());
  const kept = box.shown as Container | undefined;
  if (kept && kept.health?.status === health?.status && kept.health?.log === health?.log) return kept;
  const shown = shownBox(box, health);
  box.shown = shown;
  return shown;
}

function shownBox(box: Box, health: Box['health'] | undefined): Container {
  return {
    id: box.id,
    name: box.name,
    imageId: box.image.id,
    manifestDigest: undefined,
    createdAt: box.createdAt,
    status: box.status,
    pid: box.pid,
    exitCode: box.exitCode,
    error: box.error,
    oomKilled: false,
    startedAt: box.startedAt,
    finishedAt: box.finishedAt || undefined,
    restartCount: box.restartCount,
    health: health && { status: health.status, log: health.log },
    config: box.config,
    host: box.host,
    networks: box.networks,
    mounts: box.mounts,
    published: box.published,
    configuredMacs: {},
  };
}

let listed: { machine: Machine; version: number; all: ListedContainer[] } | undefined;

/** All containers, the newest first. */
export function listOf(machine: Machine): ListedContainer[] {
  if (listed?.machine === machine && listed.version === machine.version) return listed.all;
  const all = [...machine.boxes.values()].reverse().map((box) => summaryOf(machine, box));
  listed = { machine, version: machine.version, all };
  return all;
}

function summaryOf(machine: Machine, box: Box): ListedContainer {
  const { id, name, status, image, config, host } = box;
  const asked = config.Image ?? '';
  return {
    id,
    name,
    status,
    // The list shows the id instead, once the name is on another image.
    image: imageNamed(machine, asked) === image ? asked : image.id,
    imageId: image.id,
    labels: config.Labels ?? {},
    addresses: Object.values(box.networks).flatMap(addressOf),
    networkOf: namespaceOwner(host.NetworkMode),
    networks: Object.keys(box.networks),
    readsEngine: false,
  };
}

function addressOf({ IPAddress }: Endpoint): string[] {
  return IPAddress ? [IPAddress] : [];
}

export function rename(machine: Machine, reference: string, name: string): void {
  const box = mustBox(machine, reference);
  if (box.name === name) return;
  refuseTaken(machine, name);
  machine.names.delete(box.name);
  machine.names.set(name, box);
  box.name = name;
  changed(machine, box);
  tell(machine, 'container', box.id, 'rename');
}

/** Removes a container; `force` also a running one, and `volumes` its own anonymous ones, too. */
export function remove(machine: Machine, box: Box, { force = false, volumes = false } = {}): void {
  if (isUp(box) && !force)
    refuse(
      409,
      `You cannot remove a ${box.status} container ${box.id}. Stop the container before attempting removal or force remove`,
    );
  if (isUp(box)) for (const action of ['kill', 'die']) tell(machine, 'container', box.id, action);
  unpublish(machine, box);
  leave(machine, box);
  machine.boxes.delete(box.id);
  if (machine.names.get(box.name) === box) machine.names.delete(box.name);
  box.status = 'removing';
  if (volumes) removeOwnVolumes(machine, box);
  changed(machine, box);
  tell(machine, 'container', box.id, 'destroy');
}

/** Removes every container that does not run, as `docker container prune` does. */
export function pruneContainers(machine: Machine): void {
  for (const box of [...machine.boxes.values()]) if (!isUp(box)) remove(machine, box);
}

// A volume given by name is not its own.
function removeOwnVolumes(machine: Machine, { host, mounts }: Box): void {
  const given = new Set((host.Mounts ?? []).map(({ Source }) => Source));
  for (const { name } of mounts) {
    const others = [...machine.boxes.values()].some((box) => box.mounts.some((mount) => mount.name === name));
    if (!given.has(name) && !others && machine.volumes.get(name)?.anonymous) machine.volumes.delete(name);
  }
}

export function setRestart(machine: Machine, reference: string, policy: RestartPolicy): void {
  const box = mustBox(machine, reference);
  if (box.host.AutoRemove)
    refuse(409, 'Restart policy cannot be updated because AutoRemove is enabled for the container');
  box.host = { ...box.host, RestartPolicy: policy };
  changed(machine, box);
  tell(machine, 'container', box.id, 'update');
}
