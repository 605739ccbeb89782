// Creates containers, rolls them, and reports unwanted changes.
import type Docker from 'dockerode';
import type { World } from '../../lab/world.ts';
import type { Parts } from './fields.ts';

export interface Inspected {
  Id: string;
  Name: string;
  Config: Record<string, unknown>;
  HostConfig: Record<string, unknown>;
  Mounts: { Type: string; Name?: string; Destination: string }[];
  NetworkSettings: { Networks: Record<string, unknown> };
  [field: string]: unknown;
}

/** Creates a container by the Engine API alone, independent of swapctl's own code. */
export async function create(world: World, name: string, image: string, parts: Parts): Promise<Docker.Container> {
  const atOnce = (await apiMinor(world)) >= 44;
  const { Labels, ...config } = parts.config ?? {};
  const networks = parts.networks ?? {};
  const primary = parts.host?.NetworkMode ?? '';
  const first = atOnce || !(primary in networks) ? networks : { [primary]: networks[primary] };
  const container = await world.docker.createContainer({
    name: world.name(name),
    Image: image,
    Labels: { ...world.labels, ...(Labels as Record<string, string>) },
    ...config,
    HostConfig: { ...parts.host },
    NetworkingConfig: { EndpointsConfig: first as Docker.EndpointsConfig },
  });
  for (const [network, EndpointConfig] of Object.entries(networks)) {
    if (network in first) continue;
    await world.docker.getNetwork(network).connect({ Container: container.id, EndpointConfig });
  }
  return container;
}

export async function inspect(world: World, nameOrId: string): Promise<Inspected> {
  return (await world.docker.getContainer(nameOrId).inspect()) as unknown as Inspected;
}

/** Everything that a roll may change, with the reason. A path has the form of `Config.Env` or `HostConfig.Mounts.0.Source`. */
const ALLOWED: { path: RegExp; why: string }[] = [
  { path: /^(Id|Created|Image|ImageManifestDescriptor\b.*)$/, why: 'another container, of another image' },
  { path: /^State\.(Pid|StartedAt|Health\b.*)$/, why: 'another process' },
  { path: /^(ResolvConf|Hostname|Hosts|Log)Path$/, why: "lie in the container's own folder" },
  { path: /^(GraphDriver|Storage)\b/, why: 'another file system' },
  { path: /^ExecIDs\b/, why: 'health checks that are running' },
  { path: /^(Path|Args)\b/, why: 'repeat Config.Entrypoint and Config.Cmd, which are compared with the twin' },
  { path: /^Config\.Image$/, why: 'the reference that was rolled to' },
  { path: /^Config\.Labels\.swapctl\.state\./, why: "swapctl's own memory" },
  {
    path: /^NetworkSettings\.(SandboxID|SandboxKey|EndpointID|IPAddress|GlobalIPv6Address|MacAddress|Gateway)$/,
    why: 'run state',
  },
  { path: /^NetworkSettings\.Networks\.[^.]+\.EndpointID$/, why: 'run state' },
  {
    path: /^Mounts\.[^ ]+\.Mode$/,
    why: 'the engine notes "z" where a volume is asked for by name; without effect save on SELinux, where the volume has the label already',
  },
  {
    path: /^Mounts\..+\.Name$/,
    why: 'engine 28 does not name a volume that was asked for by its target alone; the name is in Source, which is compared',
  },
];

/** Fields that the old and the new image fill in differently: the twin has the right value. */
const FROM_IMAGE = /^Config\.(Env|Cmd|Entrypoint|User|WorkingDir|StopSignal|Healthcheck|Labels|ExposedPorts|Volumes)\b/;

export interface Swap {
  before: Inspected;
  after: Inspected;
  /** Created (not started) as the user created the old one, but from the new image: the result of a faithful roll. */
  twin: Inspected;
}

/** The unwanted differences, one line each. */
export function unfaithful({ before, after, twin }: Swap): string[] {
  const changed = differences(comparable(before), comparable(after)).filter(
    ({ path }) => !FROM_IMAGE.test(path) && !allowed(path, before, after),
  );
  const notAsked = differences(intent(twin), intent(after));
  return [
    ...changed.map((one) => `before → after  ${show(one)}`),
    ...notAsked.map((one) => `a new one → after  ${show(one)}`),
  ];
}

function allowed(path: string, before: Inspected, after: Inspected): boolean {
  return ALLOWED.some((rule) => rule.path.test(path)) || isNewVolume(path, before, after) || isRunState(path, before);
}

// An image that declares another volume than the previous one causes a new anonymous one.
function isNewVolume(path: string, before: Inspected, after: Inspected): boolean {
  const target = /^Mounts\.(.+)$/.exec(path)?.[1];
  const declared = Object.keys((after.Config.Volumes ?? {}) as object);
  return (
    target !== undefined && declared.includes(target) && !before.Mounts.some((mount) => mount.Destination === target)
  );
}

// Addresses are run state unless the user fixed them; ephemeral ports always.
function isRunState(path: string, before: Inspected): boolean {
  if (/^NetworkSettings\.Ports\b/.test(path)) return !isFixedPort(path, before);
  const [, network = '', field = ''] =
    /^NetworkSettings\.Networks\.([^.]+)\.(IPAddress|GlobalIPv6Address|MacAddress)$/.exec(path) ?? [];
  const asked = (before.fixed as Record<string, string[]> | undefined)?.[network] ?? [];
  return field !== '' && !asked.includes(field);
}

function isFixedPort(path: string, before: Inspected): boolean {
  const port = path.split('.')[2] ?? '';
  const bindings = (before.HostConfig.PortBindings as Record<string, { HostPort: string }[]> | undefined)?.[port] ?? [];
  // Out of a range the engine chooses.
  return bindings.some(({ HostPort }) => HostPort !== '' && HostPort !== '0' && !HostPort.includes('-'));
}

/** Notes which addresses the user fixed, so that they are compared. */
export function withFixed(container: Inspected, parts: Parts): Inspected {
  const fixed = Object.entries((parts.networks ?? {}) as Record<string, Endpoint>).map(([network, asked]) => {
    const mac = asked.MacAddress || (parts.host?.NetworkMode === network && parts.config?.MacAddress);
    const fields = [
      asked.IPAMConfig?.IPv4Address && 'IPAddress',
      asked.IPAMConfig?.IPv6Address && 'GlobalIPv6Address',
      mac && 'MacAddress',
    ];
    return [network, fields.filter(Boolean)];
  });
  return { ...container, fixed: Object.fromEntries(fixed) };
}

interface Endpoint {
  IPAMConfig?: { IPv4Address?: string; IPv6Address?: string };
  MacAddress?: string;
  Aliases?: string[] | null;
  DNSNames?: string[] | null;
}

/** The whole container, with unordered parts sorted, and its own names and ids replaced. */
function comparable(container: Inspected): unknown {
  const { fixed: _, ...rest } = container;
  return renamed(
    {
      ...rest,
      ...intent(container),
      Mounts: byKey(container.Mounts.map(withoutLayer), 'Destination'),
      NetworkSettings: sortedNames(container),
    },
    container,
  );
}

// For an image it shows a folder made for this container; the requested mounts have the image.
function withoutLayer<T extends { Type: string }>(mount: T): T {
  return mount.Type === 'image' ? { ...mount, Source: '' } : mount;
}

/** The settings of the user and the image: the same for a container that was never started. */
function intent(container: Inspected): { Config: object; HostConfig: object } {
  const labels = Object.entries((container.Config.Labels ?? {}) as object).filter(
    ([key]) => !key.startsWith('swapctl.state.'),
  );
  const { Image: _, Hostname, ...config } = container.Config;
  // Taken over from the other container at the start.
  const hasName = !/^container:/.test(String(container.HostConfig.NetworkMode));
  const Config = { ...config, Labels: Object.fromEntries(labels), ...(hasName && { Hostname }) };
  const { ContainerIDFile: __, ...host } = container.HostConfig;
  const Binds = ((host.Binds ?? []) as string[]).filter((bind) => bind.includes(':'));
  const HostConfig = {
    ...host,
    Binds,
    Mounts: askedMounts(container),
    Links: [...((host.Links ?? []) as string[])].sort(),
  };
  return renamed({ Config, HostConfig }, container);
}

// Anonymous volumes are attached again by their names, so they are among these mounts afterwards, from whatever field they came; the
// Mounts of the container show if the volumes are the same.
function askedMounts(container: Inspected): unknown {
  const asked = (container.HostConfig.Mounts ?? []) as { Type: string; Source?: string; Target: string }[];
  const anonymous = /^[0-9a-f]{64}$/;
  const named = asked.filter((mount) => mount.Type !== 'volume' || (mount.Source && !anonymous.test(mount.Source)));
  return byKey(named, 'Target');
}

function byKey<T extends object>(items: readonly T[], key: keyof T): Record<string, T> {
  return Object.fromEntries(items.map((item) => [String(item[key]), item]));
}

function sortedNames(container: Inspected): object {
  const networks = Object.entries(container.NetworkSettings.Networks as Record<string, Endpoint>).map(
    ([name, endpoint]) => {
      // The container's own name is an alias after a start-first roll: it kept the name resolvable.
      const own = container.Name.slice(1);
      const sort = (names: string[] | null | undefined): string[] =>
        renamed(
          [...new Set(names ?? [])].filter((one) => one !== own),
          container,
        ).sort();
      return [name, { ...endpoint, Aliases: sort(endpoint.Aliases), DNSNames: sort(endpoint.DNSNames) }];
    },
  );
  return { ...container.NetworkSettings, Networks: Object.fromEntries(networks) };
}

// The id is the hostname and an alias if the user set none.
function renamed<T>(value: T, container: Inspected): T {
  const text = JSON.stringify(value)
    .replaceAll(container.Id, 'OWN-ID')
    .replaceAll(container.Id.slice(0, 12), 'OWN-SHORT-ID');
  return JSON.parse(text.replaceAll(`${container.Name}/`, '/OWN-NAME/')) as T;
}

interface Difference {
  path: string;
  from: unknown;
  to: unknown;
}

function differences(from: unknown, to: unknown, path = ''): Difference[] {
  if (Object.is(from, to)) return [];
  if (!isObject(from) || !isObject(to))
    return isNothing(from) && isNothing(to) && !isSet(path) ? [] : [{ path, from, to }];
  const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])];
  return keys.flatMap((key) => differences(from[key], to[key], path ? `${path}.${key}` : key));
}

// The engine shows a list or map that was not given as null, and an empty one as empty; to it they are the same, save
// MaskedPaths and ReadonlyPaths, where null means its defaults (which it then fills in).
function isNothing(value: unknown): boolean {
  return value === null || value === undefined || (isObject(value) && Object.keys(value).length === 0);
}

// Sets, in Go's JSON form: only the presence of a key counts.
function isSet(path: string): boolean {
  return /\.(ExposedPorts|Volumes)\./.test(path);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function show({ path, from, to }: Difference): string {
  return `${path}: ${JSON.stringify(from)} → ${JSON.stringify(to)}`;
}

async function apiMinor(world: World): Promise<number> {
  return Number((await world.docker.version()).ApiVersion.split('.')[1]);
}
