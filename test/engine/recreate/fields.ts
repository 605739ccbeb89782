// Everything that `docker create` and compose can set, one field (or a few that go together) at a time.
//
// Left out, since this machine can't run it: StorageOpt (overlay2 takes it on xfs with project quotas only),
// CpuRealtimePeriod and CpuRealtimeRuntime (real-time groups need a share of the parent's), KernelMemory (gone from the
// kernel), DeviceRequests (no GPU and no CDI device), BlkioWeight and BlkioWeightDevice (this cgroup v1 has no CFQ), a
// negative OomScoreAdj and ulimits above the own ones (no CAP_SYS_RESOURCE, and without it runc 1.1 starts nothing
// privileged), networks and volumes of a Swarm. Windows only: CpuCount, CpuPercent, IOMaximum…, Isolation,
// CredentialSpec, ArgsEscaped. Run state that looks like a wish: ContainerIDFile (a note of the CLI for itself).
//
// Left out, since no engine tells what was asked for: a MAC address that looks like a random one on another network than
// the first (engine 28), and whether a read-only bind mount was made by a client from before API 1.44, for which mounts
// below it stay writable (T50).
import type Docker from 'dockerode';
import { MORE_FIELDS } from './more-fields.ts';

export interface Parts {
  config?: Partial<Docker.ContainerCreateOptions> & Record<string, unknown>;
  host?: Docker.HostConfig & Record<string, unknown>;
  networks?: Record<string, object>;
}

/** The objects that fields can refer to. */
export interface Place {
  /** A folder that the engine can mount. */
  folder: string;
  /** User networks; the first has IPv4 and IPv6 addresses to give away under `v4` and `v6`. */
  networks: [string, string, string];
  v4: string;
  v6: string;
  volumes: [string, string, string, string];
  /** An image that nobody changes. */
  other: string;
  /** Running containers: one to link to, on the default bridge and in the first network; one that has volumes. */
  neighbour: string;
  storage: string;
  /** A block device of this machine. */
  disk: string;
  /** A host port that is free on 127.0.0.1. */
  port: number;
  apiVersion: string;
  /** True: containers may be privileged here. */
  canBePrivileged: boolean;
  hasInit: boolean;
}

export interface Field {
  name: string;
  /** A container has at most one field of a group; of `network=user` several, but not beside another `network`. */
  groups?: string[];
  /** The oldest API with the field; older engines silently drop it. */
  api?: string;
  possible?: (place: Place) => boolean;
  parts: (place: Place) => Parts;
}

/** Runs until any of the signals that an image or a container may set. */
export const RUN = 'trap "exit 0" TERM INT QUIT HUP USR1 USR2; while :; do sleep 1000 & wait $!; done';

/** The settings of three versions of an image; everything differs, and nothing is set by a user. */
export const IMAGES = ([1, 2, 3] as const).map(imageOptions);

function imageOptions(version: number) {
  return {
    env: {
      VERSION: version,
      CHANGED: `in ${version}`,
      GONE: 'by the image',
      SAME: 'in all',
      [`ONLY_${version}`]: 1,
      PATH: `/v${version}:/usr/bin:/bin`,
    },
    entrypoint: ['/bin/sh', '-c', RUN, `v${version}`],
    cmd: [`--of-v${version}`],
    labels: {
      'org.example.version': String(version),
      'org.example.changed': `in ${version}`,
      [`org.example.only-${version}`]: '',
    },
    health: {
      test: ['CMD', 'test', '-e', '/bin/sh', '-a', String(version)],
      intervalMs: 60_000 + version,
      timeoutMs: 4000 + version,
      retries: 6 + version,
      startPeriodMs: 1000 + version,
    },
    user: ['app', 'nobody', '1000'][version - 1] ?? '',
    workdir: ['/tmp', '/etc', '/usr'][version - 1] ?? '',
    stopSignal: ['SIGUSR1', 'SIGINT', 'SIGQUIT'][version - 1] ?? '',
    ports: [8000 + version, 9000],
    volumes: ['/data', `/only-${version}`],
  };
}

const seconds = (count: number): number => count * 1_000_000_000;
const config = (set: NonNullable<Parts['config']>) => (): Parts => ({ config: set });
const host = (set: NonNullable<Parts['host']>) => (): Parts => ({ host: set });

const CONFIG: Field[] = [
  { name: 'host and domain name', groups: ['uts'], parts: config({ Hostname: 'box', Domainname: 'example.org' }) },
  {
    name: 'environment',
    parts: config({ Env: ['USERS=1', 'EMPTY=', 'URL=a=b&c=d', 'PLAIN', 'CHANGED=by the user', 'GONE='] }),
  },
  { name: 'command', groups: ['command'], parts: config({ Cmd: ['--of-the-user', 'a b', ''] }) },
  { name: 'entrypoint and command', groups: ['command'], parts: config({ Entrypoint: ['sh', '-c'], Cmd: [RUN] }) },
  { name: 'entrypoint alone', groups: ['command'], parts: config({ Entrypoint: ['sh', '-c', RUN] }) },
  {
    name: "entrypoint before the image's command",
    groups: ['command'],
    parts: config({ Entrypoint: ['sh', '-c', RUN], Cmd: imageOptions(1).cmd }),
  },
  {
    name: "the image's entrypoint without its command",
    groups: ['command'],
    parts: config({ Entrypoint: imageOptions(1).entrypoint }),
  },
  { name: 'entrypoint taken away', groups: ['command'], parts: config({ Entrypoint: [''], Cmd: ['sh', '-c', RUN] }) },
  {
    name: 'labels',
    parts: config({
      Labels: { 'org.example.user': '1', 'org.example.empty': '', 'org.example.changed': 'by the user' },
    }),
  },
  {
    name: 'health check with all fields',
    groups: ['health'],
    parts: config({
      Healthcheck: {
        Test: ['CMD', 'true'],
        Interval: seconds(7),
        Timeout: seconds(3),
        Retries: 5,
        StartPeriod: seconds(2),
        StartInterval: seconds(1),
      } as Docker.HealthConfig,
    }),
  },
  { name: 'health check off', groups: ['health'], parts: config({ Healthcheck: { Test: ['NONE'] } }) },
  { name: 'health check, one field', groups: ['health'], parts: config({ Healthcheck: { Interval: seconds(9) } }) },
  { name: 'user', groups: ['user'], parts: config({ User: '1000:1000' }) },
  { name: 'working folder', groups: ['workdir'], parts: config({ WorkingDir: '/run' }) },
  { name: 'stop signal', groups: ['signal'], parts: config({ StopSignal: 'SIGUSR2' }) },
  { name: 'stop time', groups: ['stop time'], parts: config({ StopTimeout: 3 }) },
  { name: 'no stop time', groups: ['stop time'], parts: config({ StopTimeout: 0 }) },
  {
    name: 'terminal',
    groups: ['terminal'],
    parts: config({
      Tty: true,
      OpenStdin: true,
      StdinOnce: true,
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
    }),
  },
  { name: 'exposed ports', groups: ['ports'], parts: config({ ExposedPorts: { '7777/tcp': {}, '53/udp': {} } }) },
  { name: 'shell', parts: config({ Shell: ['/bin/sh', '-ec'] }) },
  { name: 'anonymous volume (-v /x)', parts: config({ Volumes: { '/anonymous': {} } }) },
];

const PORTS: Field[] = [
  {
    name: 'ephemeral ports',
    groups: ['ports'],
    parts: () => ({
      config: { ExposedPorts: { '80/tcp': {}, '81/udp': {} } },
      host: {
        PortBindings: {
          '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }],
          '81/udp': [{ HostIp: '0.0.0.0', HostPort: '0' }],
        },
      },
    }),
  },
  {
    name: 'fixed port',
    groups: ['ports'],
    parts: ({ port }) => ({
      config: { ExposedPorts: { '80/tcp': {} } },
      host: { PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: String(port) }] } },
    }),
  },
  {
    name: 'a published port that the old image exposes and the new one does not',
    groups: ['ports'],
    parts: ({ port }) => ({
      config: { ExposedPorts: { '8001/tcp': {} } },
      host: { PortBindings: { '8001/tcp': [{ HostIp: '127.0.0.1', HostPort: String(port) }] } },
    }),
  },
  { name: 'all ports published', groups: ['ports'], parts: host({ PublishAllPorts: true }) },
];

const STORAGE: Field[] = [
  {
    name: 'bind mounts',
    parts: ({ folder }) => ({
      host: {
        Binds: [
          `${folder}:/bind`,
          `${folder}:/bind-ro:ro`,
          `${folder}:/bind-z:rw,z`,
          `${folder}:/bind-p:ro,rprivate`,
          `${folder}:/bind-slash/:ro`,
        ],
      },
    }),
  },
  {
    name: 'named volumes',
    parts: ({ volumes: [one, two] }) => ({
      host: { Binds: [`${one}:/named`, `${two}:/named-ro:ro`, `${two}:/named-nocopy:nocopy`, `${one}:/named-slash/`] },
    }),
  },
  { name: 'anonymous volume as a bind', parts: host({ Binds: ['/anonymous-bind'] }) },
  {
    name: 'volume of the image, named',
    groups: ['/data'],
    parts: ({ volumes: [, , three] }) => ({ host: { Binds: [`${three}:/data`] } }),
  },
  {
    name: 'mounts of volumes',
    parts: ({ volumes: [, , , four] }) => ({
      host: {
        Mounts: [
          {
            Type: 'volume',
            Source: four,
            Target: '/mount-named',
            VolumeOptions: { NoCopy: true, Labels: {}, DriverConfig: { Name: 'local', Options: {} } },
          },
          { Type: 'volume', Source: four, Target: '/mount-ro', ReadOnly: true },
          { Type: 'volume', Source: '', Target: '/mount-anonymous' },
          { Type: 'volume', Source: '', Target: '/mount-slash/' },
        ] as Docker.MountSettings[],
      },
    }),
  },
  {
    name: 'mounts of folders',
    parts: ({ folder }) => ({
      host: {
        Mounts: [
          {
            Type: 'bind',
            Source: folder,
            Target: '/mount-bind',
            ReadOnly: true,
            Consistency: 'cached',
            BindOptions: { Propagation: 'rprivate' },
          },
          { Type: 'bind', Source: folder, Target: '/mount-nonrec', BindOptions: { NonRecursive: true } },
        ] as Docker.MountSettings[],
      },
    }),
  },
  {
    name: 'mount that makes its source',
    api: '1.43',
    parts: ({ folder }) => ({
      host: {
        Mounts: [
          { Type: 'bind', Source: `${folder}/made`, Target: '/made', BindOptions: { CreateMountpoint: true } },
        ] as unknown as Docker.MountSettings[],
      },
    }),
  },
  {
    name: 'mount read-only on this level alone',
    api: '1.44',
    parts: ({ folder }) => ({
      host: {
        Mounts: [
          {
            Type: 'bind',
            Source: folder,
            Target: '/ro-here',
            ReadOnly: true,
            BindOptions: { ReadOnlyNonRecursive: true },
          },
        ] as unknown as Docker.MountSettings[],
      },
    }),
  },
  {
    name: 'mount of a part of a volume',
    api: '1.45',
    parts: ({ volumes: [one] }) => ({
      host: {
        Mounts: [
          { Type: 'volume', Source: one, Target: '/part', VolumeOptions: { Subpath: 'part' } },
        ] as unknown as Docker.MountSettings[],
      },
    }),
  },
  {
    name: 'mount of tmpfs',
    parts: host({
      Mounts: [
        { Type: 'tmpfs', Target: '/mount-tmpfs', TmpfsOptions: { SizeBytes: 1_048_576, Mode: 0o1777 } },
      ] as unknown as Docker.MountSettings[],
    }),
  },
  {
    name: 'mount of tmpfs with options',
    api: '1.46',
    parts: host({
      Mounts: [
        { Type: 'tmpfs', Target: '/tmpfs-options', TmpfsOptions: { Options: [['noexec']] } },
      ] as unknown as Docker.MountSettings[],
    }),
  },
  { name: 'tmpfs', parts: host({ Tmpfs: { '/tmpfs': 'rw,size=64k,mode=1777', '/tmpfs-bare': '' } }) },
  { name: 'volume driver', parts: host({ VolumeDriver: 'local' }) },
  {
    name: 'volumes from another container',
    groups: ['/data'],
    parts: ({ storage }) => ({ host: { VolumesFrom: [`${storage}:ro`] } }),
  },
  { name: 'shared memory', groups: ['ipc'], parts: host({ ShmSize: 16_777_216, IpcMode: 'private' }) },
];

const NETWORK: Field[] = [
  {
    name: 'several networks with aliases',
    groups: ['network=user'],
    parts: ({ networks: [one, two, three] }) => ({
      host: { NetworkMode: two },
      networks: { [two]: { Aliases: ['web', 'www'] }, [one]: { Aliases: ['only-here'] }, [three]: {} },
    }),
  },
  {
    name: 'fixed addresses',
    groups: ['network=user', 'address'],
    parts: ({ networks: [one, two], v4, v6 }) => ({
      host: { NetworkMode: two },
      networks: { [two]: {}, [one]: { IPAMConfig: { IPv4Address: v4, IPv6Address: v6 } } },
    }),
  },
  {
    name: 'fixed MAC address',
    groups: ['network=user'],
    parts: ({ networks: [, two], apiVersion }) => {
      const MacAddress = '0a:5b:00:00:00:01';
      const own = minor(apiVersion) < 44;
      return {
        config: own ? { MacAddress } : {},
        host: { NetworkMode: two },
        networks: { [two]: own ? {} : { MacAddress } },
      };
    },
  },
  {
    // The number of a network card (the second bit of its first byte is 0), unlike one that the engine generates.
    name: 'fixed MAC address on another network than the first',
    groups: ['network=user'],
    api: '1.44',
    parts: ({ networks: [one, two] }) => ({
      host: { NetworkMode: two },
      networks: { [two]: {}, [one]: { MacAddress: '00:16:3e:00:00:02' } },
    }),
  },
  {
    name: 'which network leads out',
    groups: ['network=user'],
    api: '1.48',
    parts: ({ networks: [one, two] }) => ({
      host: { NetworkMode: two },
      networks: { [two]: { GwPriority: -2 }, [one]: { GwPriority: 7 } },
    }),
  },
  {
    name: 'options of a network driver',
    groups: ['network=user'],
    parts: ({ networks: [one, two] }) => ({
      host: { NetworkMode: two },
      networks: {
        [two]: { DriverOpts: { 'org.example.option': 'x' } },
        [one]: { DriverOpts: { 'org.example.option': 'y' } },
      },
    }),
  },
  {
    name: 'links in a network',
    groups: ['network=user'],
    parts: ({ networks: [, two], neighbour }) => ({
      host: { NetworkMode: two, Links: [`${neighbour}:db`, neighbour] },
      networks: { [two]: { Links: [`${neighbour}:db`, neighbour] } },
    }),
  },
  {
    name: 'links on the default bridge',
    groups: ['network'],
    parts: ({ neighbour }) => ({ host: { NetworkMode: 'bridge', Links: [`${neighbour}:db`, `${neighbour}:store`] } }),
  },
  {
    name: "the host's network",
    groups: ['network', 'uts', 'ports', 'dns', 'sysctls'],
    parts: host({ NetworkMode: 'host' }),
  },
  {
    name: "the host's network with a name of its own",
    groups: ['network', 'uts', 'ports', 'dns', 'sysctls'],
    parts: () => ({ config: { Hostname: 'own-name' }, host: { NetworkMode: 'host' } }),
  },
  { name: 'no network', groups: ['network', 'ports'], parts: host({ NetworkMode: 'none' }) },
  {
    name: 'network disabled',
    groups: ['network', 'ports'],
    parts: () => ({ config: { NetworkDisabled: true }, host: { NetworkMode: 'none' } }),
  },
  {
    name: "another container's network",
    groups: ['network', 'uts', 'ports', 'dns', 'sysctls'],
    parts: ({ neighbour }) => ({ host: { NetworkMode: `container:${neighbour}` } }),
  },
  {
    name: 'name servers',
    groups: ['dns'],
    parts: host({
      Dns: ['10.9.8.7', 'fd00::53'],
      DnsOptions: ['ndots:2', 'timeout:1'],
      DnsSearch: ['example.org', 'example.com'],
    }),
  },
  {
    name: 'extra hosts',
    groups: ['dns'],
    parts: host({ ExtraHosts: ['db:10.1.2.3', 'gateway:host-gateway', 'six:fd00::1'] }),
  },
];

const RIGHTS: Field[] = [
  {
    name: 'capabilities',
    groups: ['capabilities'],
    parts: host({ CapAdd: ['NET_ADMIN', 'CAP_SYS_PTRACE'], CapDrop: ['MKNOD', 'NET_RAW'] }),
  },
  {
    name: 'security options',
    groups: ['security'],
    parts: host({ SecurityOpt: ['no-new-privileges', 'seccomp=unconfined'] }),
  },
  {
    name: 'privileged',
    groups: ['devices', 'masks'],
    possible: (place) => place.canBePrivileged,
    parts: host({ Privileged: true }),
  },
  { name: 'read-only root', parts: host({ ReadonlyRootfs: true }) },
  { name: 'groups', parts: host({ GroupAdd: ['65534', '44'] }) },
  {
    name: 'masked paths',
    groups: ['masks'],
    parts: host({ MaskedPaths: ['/proc/keys'], ReadonlyPaths: ['/proc/sys', '/proc/bus'] }),
  },
  { name: 'nothing masked', groups: ['masks'], parts: host({ MaskedPaths: [], ReadonlyPaths: [] }) },
  {
    name: 'devices',
    groups: ['devices'],
    parts: host({
      Devices: [{ PathOnHost: '/dev/null', PathInContainer: '/dev/nothing', CgroupPermissions: 'rw' }],
      DeviceCgroupRules: ['c 42:* rmw', 'b 7:1 r'],
    }),
  },
];

const NAMESPACES: Field[] = [
  { name: "the host's processes", groups: ['pid'], parts: host({ PidMode: 'host' }) },
  {
    name: "the neighbour's processes",
    groups: ['pid'],
    parts: ({ neighbour }) => ({ host: { PidMode: `container:${neighbour}` } }),
  },
  { name: 'shareable ipc', groups: ['ipc'], parts: host({ IpcMode: 'shareable' }) },
  { name: "the host's ipc", groups: ['ipc'], parts: host({ IpcMode: 'host' }) },
  { name: 'no ipc', groups: ['ipc'], parts: host({ IpcMode: 'none' }) },
  { name: "the host's name", groups: ['uts'], parts: host({ UTSMode: 'host' }) },
  { name: "the host's users", parts: host({ UsernsMode: 'host' }) },
  { name: 'cgroups of its own', groups: ['cgroupns'], parts: host({ CgroupnsMode: 'private' }) },
  { name: "the host's cgroups", groups: ['cgroupns'], parts: host({ CgroupnsMode: 'host' }) },
  { name: 'parent cgroup', parts: host({ CgroupParent: '/swapctl-test-parent' }) },
];

const LIMITS: Field[] = [
  {
    name: 'memory',
    groups: ['memory'],
    parts: host({
      Memory: 67_108_864,
      MemoryReservation: 33_554_432,
      MemorySwap: 134_217_728,
      MemorySwappiness: 10,
      OomKillDisable: true,
      OomScoreAdj: 100,
    }),
  },
  { name: 'shares', groups: ['shares'], parts: host({ CpuShares: 512, CpusetCpus: '0', CpusetMems: '0' }) },
  { name: 'cpus', groups: ['cpu'], parts: host({ NanoCpus: 500_000_000 }) },
  { name: 'cpu quota', groups: ['cpu'], parts: host({ CpuPeriod: 50_000, CpuQuota: 25_000 }) },
  { name: 'processes', groups: ['processes'], parts: host({ PidsLimit: 100 }) },
  {
    name: 'disk throughput',
    parts: ({ disk }) => ({
      host: {
        BlkioDeviceReadBps: [{ Path: disk, Rate: 10_485_760 }],
        BlkioDeviceWriteBps: [{ Path: disk, Rate: 10_485_760 }],
        BlkioDeviceReadIOps: [{ Path: disk, Rate: 1000 }],
        BlkioDeviceWriteIOps: [{ Path: disk, Rate: 1000 }],
      },
    }),
  },
  {
    name: 'ulimits',
    parts: host({
      Ulimits: [
        { Name: 'nofile', Soft: 512, Hard: 1024 },
        { Name: 'core', Soft: 0, Hard: 0 },
      ],
    }),
  },
  {
    name: 'sysctls',
    groups: ['sysctls'],
    parts: host({ Sysctls: { 'net.ipv4.ip_unprivileged_port_start': '0', 'net.core.somaxconn': '1000' } }),
  },
];

const REST: Field[] = [
  {
    name: 'log to json-file',
    groups: ['log'],
    parts: host({
      LogConfig: { Type: 'json-file', Config: { 'max-size': '1m', 'max-file': '3', labels: 'org.example.user' } },
    }),
  },
  {
    name: 'log to local',
    groups: ['log'],
    parts: host({ LogConfig: { Type: 'local', Config: { 'max-size': '2m' } } }),
  },
  { name: 'no log', groups: ['log'], parts: host({ LogConfig: { Type: 'none', Config: {} } }) },
  { name: 'restart always', groups: ['restart'], parts: host({ RestartPolicy: { Name: 'always' } }) },
  { name: 'restart unless stopped', groups: ['restart'], parts: host({ RestartPolicy: { Name: 'unless-stopped' } }) },
  {
    name: 'restart on failure',
    groups: ['restart'],
    parts: host({ RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 4 } }),
  },
  { name: 'removed when it ends', groups: ['restart'], parts: host({ AutoRemove: true }) },
  { name: 'an init process', groups: ['init'], possible: (place) => place.hasInit, parts: host({ Init: true }) },
  { name: 'no init process', groups: ['init'], parts: host({ Init: false }) },
  { name: 'runtime', groups: ['runtime'], parts: host({ Runtime: 'runc' }) },
  { name: 'size of the terminal', api: '1.42', parts: host({ ConsoleSize: [40, 120] }) },
  {
    name: 'annotations',
    api: '1.43',
    parts: host({ Annotations: { 'org.example.note': 'kept', 'org.example.empty': '' } }),
  },
];

/** All fields that this engine and machine support. */
export function fieldsFor(place: Place): Field[] {
  const all = [
    ...CONFIG,
    ...PORTS,
    ...STORAGE,
    ...NETWORK,
    ...RIGHTS,
    ...NAMESPACES,
    ...LIMITS,
    ...REST,
    ...MORE_FIELDS,
  ];
  return all.filter(
    (field) => minor(place.apiVersion) >= minor(field.api ?? '1.0') && (field.possible?.(place) ?? true),
  );
}

/** As few containers as possible that have each field once; fields of the same group exclude each other. */
export function packed(fields: readonly Field[]): Field[][] {
  const containers: Field[][] = [];
  for (const field of fields) {
    const slotName = containers.find((others) => fitsWith(field, others));
    if (slotName) slotName.push(field);
    else containers.push([field]);
  }
  return containers;
}

/** The fields in their order, without those that exclude an earlier one. */
export function compatible(fields: readonly Field[]): Field[] {
  const taken: Field[] = [];
  for (const field of fields) if (fitsWith(field, taken)) taken.push(field);
  return taken;
}

function fitsWith(field: Field, others: readonly Field[]): boolean {
  const groups = others.flatMap((other) => other.groups ?? []);
  return !(field.groups ?? []).some((group) => groups.some((other) => excludes(group, other)));
}

function excludes(one: string, other: string): boolean {
  const [[key, value], [otherKey, otherValue]] = [one.split('='), other.split('=')];
  return key === otherKey && (value === undefined || value !== otherValue);
}

/** The parts of several fields as one: lists are joined, objects merged. */
export function merged(fields: readonly Field[], place: Place): Required<Parts> {
  const total: Required<Parts> = { config: {}, host: {}, networks: {} };
  for (const field of fields) {
    const { config: ofConfig = {}, host: ofHost = {}, networks = {} } = field.parts(place);
    mergeInto(total.config, ofConfig);
    mergeInto(total.host, ofHost);
    for (const [name, endpoint] of Object.entries(networks)) {
      total.networks[name] ??= {};
      mergeInto(total.networks[name] as Record<string, unknown>, endpoint as Record<string, unknown>);
    }
  }
  return total;
}

function mergeInto(target: Record<string, unknown>, more: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(more)) {
    const there = target[key];
    if (Array.isArray(there) && Array.isArray(value)) target[key] = [...there, ...value];
    else if (isObject(there) && isObject(value)) target[key] = { ...there, ...value };
    else target[key] = value;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function minor(apiVersion: string): number {
  return Number(apiVersion.split('.')[1]);
}
