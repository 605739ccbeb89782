import {
  type Container,
  type ContainerConfig,
  type ContainerStatus,
  type Endpoint,
  type EngineHealth,
  type HostConfig,
  type Image,
  type ImageSummary,
  type ListedContainer,
  type Mount,
  namespaceOwner,
  type PublishedPort,
} from '../../../core/model/container.ts';
import type { Volume } from '../../../core/model/volume.ts';
import type { Bridge } from '../../../ports/ports.ts';
import { identified, shaped } from '../calls/shape.ts';
import { compareApi } from '../connect/negotiate.ts';

/** The facts of the engine on which the meaning of an answer depends. */
export interface Dialect {
  readonly apiVersion: string;
  readonly serverVersion: string;
  readonly engine?: 'docker' | 'podman';
}

type Raw = Record<string, unknown>;

/** Decodes `GET /containers/{id}/json`. Missing fields read as empty: engines differ in the fields that they omit (T4). */
export function decodeContainer(body: unknown, dialect: Dialect): Container {
  const raw = record(body);
  const state = record(raw.State);
  const config = shaped(record(raw.Config) as ContainerConfig, 'Config');
  const host = shaped(record(raw.HostConfig) as HostConfig, 'HostConfig');
  const id = identified(text(raw.Id));
  const networks = decodeNetworks(record(record(raw.NetworkSettings).Networks), id, config, dialect);
  return {
    id,
    name: text(raw.Name).replace(/^\//, ''),
    imageId: text(raw.Image),
    manifestDigest: text(record(raw.ImageManifestDescriptor).digest) || undefined,
    createdAt: time(raw.Created),
    status: status(text(state.Status)),
    pid: number(state.Pid),
    exitCode: number(state.ExitCode),
    error: text(state.Error),
    oomKilled: state.OOMKilled === true,
    startedAt: time(state.StartedAt),
    finishedAt: time(state.FinishedAt) || undefined,
    restartCount: number(raw.RestartCount),
    health: decodeHealth(state.Health),
    config,
    host,
    networks,
    mounts: list(raw.Mounts).map(decodeMount),
    published: decodePorts(record(record(raw.NetworkSettings).Ports)),
    configuredMacs: configuredMacs(networks, config, host, dialect),
  };
}

/** Decodes one entry of `GET /containers/json`. */
export function decodeSummary(body: unknown, podman = false): ListedContainer {
  const raw = record(body);
  const [name = ''] = list(raw.Names)
    .map(text)
    .filter((entry) => entry.lastIndexOf('/') === 0);
  return {
    id: identified(text(raw.Id)),
    name: name.replace(/^\//, ''),
    status: status(text(raw.State)),
    ...(podman ? {} : { statusText: text(raw.Status) }),
    image: text(raw.Image),
    imageId: text(raw.ImageID),
    labels: labelsOf(raw),
    addresses: addressesOf(record(record(raw.NetworkSettings).Networks)),
    networkOf: namespaceOwner(text(record(raw.HostConfig).NetworkMode)),
    networks: Object.keys(record(record(raw.NetworkSettings).Networks)),
    readsEngine: list(raw.Mounts).some((mount) => isEngineSocket(text(record(mount).Source))),
  };
}

// The socket itself, or its folder.
function isEngineSocket(source: string): boolean {
  return /\/(docker|podman)\.sock$|^(\/var)?\/run\/?$/.test(source);
}

function addressesOf(networks: Record<string, unknown>): string[] {
  const endpoints = Object.values(networks).map(record);
  return endpoints.flatMap((one) => [text(one.IPAddress), text(one.GlobalIPv6Address)]).filter((one) => one !== '');
}

/** Decodes one bridge network of `GET /networks`; an option names its device, else its id does. */
export function decodeBridge(body: unknown): Bridge {
  const raw = record(body);
  const device = text(record(raw.Options)['com.docker.network.bridge.name']) || `br-${text(raw.Id).slice(0, 12)}`;
  const subnets = list(record(raw.IPAM).Config).map((config) => text(record(config).Subnet));
  return { device, subnets: subnets.filter((subnet) => subnet !== '') };
}

/** Decodes one volume, of `GET /volumes` or alone. */
export function decodeVolume(body: unknown): Volume {
  const raw = record(body);
  return { name: text(raw.Name), labels: labelsOf(raw) };
}

/** Decodes `GET /images/{name}/json`. */
export function decodeImage(body: unknown): Image {
  const raw = record(body);
  return {
    id: identified(text(raw.Id)),
    tags: list(raw.RepoTags).map(text),
    digests: list(raw.RepoDigests).map(text),
    manifestDigest: platformManifest(raw),
    config: shaped(record(raw.Config) as ContainerConfig, 'Config'),
    os: text(raw.Os),
    architecture: text(raw.Architecture),
    variant: text(raw.Variant) || undefined,
    createdAt: raw.Created ? time(raw.Created) : undefined,
  };
}

/** Decodes one entry of `GET /images/json`. */
export function decodeImageSummary(body: unknown): ImageSummary {
  const raw = record(body);
  return {
    id: identified(text(raw.Id)),
    // Older engines list `<none>` tags.
    tags: list(raw.RepoTags)
      .map(text)
      .filter((tag) => !tag.startsWith('<none>')),
    digests: list(raw.RepoDigests).map(text),
    labels: labelsOf(raw),
    createdAt: typeof raw.Created === 'number' && raw.Created > 0 ? raw.Created * 1000 : undefined,
  };
}

// Only with the containerd store, and only if the manifests were requested: the one image manifest on this engine.
function platformManifest(raw: Raw): string | undefined {
  const manifests = list(raw.Manifests).map(record);
  const here = manifests.filter((manifest) => manifest.Available === true && manifest.Kind === 'image');
  const fits = here.find(
    (manifest) => text(record(record(manifest.ImageData).Platform).architecture) === text(raw.Architecture),
  );
  return text(record((fits ?? here[0])?.Descriptor).digest) || undefined;
}

const DELETED = 2;

/** Decodes `GET /containers/{id}/changes`, which is null without changes: the paths of new and changed files. */
export function decodeChanges(body: unknown): string[] {
  const changes = list(body).map(record);
  return changes.flatMap(({ Kind, Path }) => (Kind !== DELETED && typeof Path === 'string' ? [Path] : []));
}

function labelsOf(raw: Raw): Record<string, string> {
  return shaped(record(raw.Labels) as Record<string, string>, 'Labels');
}

function decodeHealth(value: unknown): EngineHealth | undefined {
  const raw = record(value);
  const status = text(raw.Status);
  if (status !== 'starting' && status !== 'healthy' && status !== 'unhealthy') return undefined;
  const log = list(raw.Log).map(record);
  return { status, log: log.map((entry) => ({ exitCode: number(entry.ExitCode), output: text(entry.Output) })) };
}

function decodeMount(value: unknown): Mount {
  const raw = record(value);
  const mount = {
    type: text(raw.Type),
    source: text(raw.Source),
    target: text(raw.Destination),
    writable: raw.RW === true,
    driver: text(raw.Driver),
  };
  return { ...mount, name: text(raw.Name) || (mount.type === 'volume' ? volumeAt(mount.source) : '') };
}

// Engine 28 omits the name of a volume that `Binds` gave only a target.
function volumeAt(source: string): string {
  return /\/volumes\/([0-9a-f]{64})\/_data$/.exec(source)?.[1] ?? '';
}

function decodePorts(ports: Raw): PublishedPort[] {
  return Object.entries(ports).flatMap(([containerPort, bindings]) =>
    list(bindings)
      .map(record)
      .map((binding) => ({ containerPort, hostIp: text(binding.HostIp), hostPort: Number(text(binding.HostPort)) })),
  );
}

function decodeNetworks(
  networks: Raw,
  id: string,
  config: ContainerConfig,
  dialect: Dialect,
): Record<string, Endpoint> {
  const added = new Set([id, id.slice(0, 12)]);
  // Up to API 1.44 the engine shows its own names among the aliases (T7).
  if (compareApi(dialect.apiVersion, '1.45') < 0 && config.Hostname) added.add(config.Hostname);
  const decoded = Object.entries(networks).map(([name, value]) => {
    const endpoint = shaped(record(value) as Endpoint, 'Endpoint');
    const aliases = [...new Set(endpoint.Aliases ?? [])].filter((alias) => !added.has(alias));
    return [name, { ...endpoint, Aliases: aliases }] as const;
  });
  return Object.fromEntries(decoded);
}

// The engine distinguishes a configured MAC address from a generated one only for the primary network, in a field for clients up
// to API 1.51 (T8). Otherwise the address itself has to show it.
function configuredMacs(
  networks: Record<string, Endpoint>,
  config: ContainerConfig,
  host: HostConfig,
  dialect: Dialect,
): Record<string, string> {
  // Podman generates any address, and never shows a configured one.
  if (dialect.engine === 'podman') return {};
  const mode = host.NetworkMode ?? 'default';
  const found = Object.entries(networks).flatMap(([name, endpoint]) => {
    const isPrimary = name === mode || endpoint.NetworkID === mode || (mode === 'default' && name === 'bridge');
    const shown = endpoint.MacAddress ?? '';
    if (isPrimary) return config.MacAddress ? [[name, config.MacAddress]] : [];
    return shown && !looksGenerated(shown, endpoint, dialect) ? [[name, shown]] : [];
  });
  return Object.fromEntries(found);
}

// Engines up to 27 derive an address from the IPv4 address. Later ones generate a random one with the "locally administered" bit:
// an address without that bit was configured, and so was one that starts like a derived one (T9).
function looksGenerated(mac: string, endpoint: Endpoint, dialect: Dialect): boolean {
  const derived = mac.startsWith('02:42:');
  if (Number.parseInt(dialect.serverVersion, 10) < 28)
    return !endpoint.IPAddress || mac === derivedMac(endpoint.IPAddress);
  return !derived && (Number.parseInt(mac.slice(0, 2), 16) & 0b10) !== 0;
}

function derivedMac(ipv4: string): string {
  return ['02', '42', ...ipv4.split('.').map((part) => Number(part).toString(16).padStart(2, '0'))].join(':');
}

const STATUSES: readonly ContainerStatus[] = [
  'created',
  'running',
  'paused',
  'restarting',
  'removing',
  'exited',
  'dead',
];

// Podman says "configured", "initialized", "stopping" and "stopped" where Docker says "created", "running" and "exited".
function status(said: string): ContainerStatus {
  if (said === 'configured' || said === 'initialized') return 'created';
  if (said === 'stopping') return 'running';
  return STATUSES.find((known) => known === said) ?? 'exited';
}

function time(value: unknown): number {
  const ms = Date.parse(text(value));
  return Number.isNaN(ms) || ms < 0 ? 0 : ms;
}

function record(value: unknown): Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Raw) : {};
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function number(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
