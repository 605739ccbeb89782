// Other values of the fields in fields.ts: other notations, values at the limits, and other branches of the engine.
import type Docker from 'dockerode';
import type { Field, Parts } from './fields.ts';

const config = (set: NonNullable<Parts['config']>) => (): Parts => ({ config: set });
const host = (set: NonNullable<Parts['host']>) => (): Parts => ({ host: set });
const mounts = (...all: object[]): Parts => ({ host: { Mounts: all as Docker.MountSettings[] } });

const CONFIG: Field[] = [
  { name: 'a name with a domain in it', groups: ['uts'], parts: config({ Hostname: 'box.example.org' }) },
  { name: 'a domain name alone', groups: ['uts'], parts: config({ Domainname: 'example.org' }) },
  {
    name: 'environment that is hard to write down',
    parts: config({
      Env: ['LINES=a\nb\n', 'QUOTES="a" \'b\' $C `d` \\', 'ÜMLAUT=ß', 'SPACE= a ', 'x=lower'],
    }),
  },
  {
    name: 'labels that are hard to write down',
    parts: config({
      Labels: { 'org.example.lines': 'a\nb', 'org.example.ü': '"=\\', 'with space': ' ', UPPER: '{{.ID}}' },
    }),
  },
  {
    name: 'health check by a shell',
    groups: ['health'],
    parts: config({ Healthcheck: { Test: ['CMD-SHELL', 'test "$$" -gt 0 || exit 1'] } }),
  },
  {
    name: "the image's health check with other times",
    groups: ['health'],
    parts: config({ Healthcheck: { Timeout: 2_000_000_000, Retries: 2, StartPeriod: 3_000_000_000 } }),
  },
  { name: 'user by number alone', groups: ['user'], parts: config({ User: '65534' }) },
  { name: 'user that the next image has too', groups: ['user'], parts: config({ User: 'nobody' }) },
  { name: 'root', groups: ['user'], parts: config({ User: 'root' }) },
  { name: 'working folder that is not clean', groups: ['workdir'], parts: config({ WorkingDir: '/usr/../run//' }) },
  { name: 'root folder', groups: ['workdir'], parts: config({ WorkingDir: '/' }) },
  { name: 'stop signal by number', groups: ['signal'], parts: config({ StopSignal: '12' }) },
  { name: 'stop signal without its first letters', groups: ['signal'], parts: config({ StopSignal: 'USR1' }) },
  { name: 'all the time to stop', groups: ['stop time'], parts: config({ StopTimeout: -1 }) },
  { name: 'exposed port of another protocol', groups: ['ports'], parts: config({ ExposedPorts: { '9/sctp': {} } }) },
  { name: 'standard input alone', groups: ['terminal'], parts: config({ OpenStdin: true, AttachStdin: true }) },
  { name: 'several anonymous volumes', parts: config({ Volumes: { '/anonymous-two': {}, '/anonymous-slash/': {} } }) },
];

const PORTS: Field[] = [
  {
    name: 'a port on several addresses',
    groups: ['ports'],
    parts: ({ port }) => ({
      config: { ExposedPorts: { '80/tcp': {} } },
      host: {
        PortBindings: {
          '80/tcp': ['127.0.0.1', '127.0.0.2'].map((HostIp) => ({ HostIp, HostPort: String(port) })),
        },
      },
    }),
  },
  {
    name: 'a port out of a range',
    groups: ['ports'],
    parts: () => ({
      config: { ExposedPorts: { '80/tcp': {} } },
      host: { PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '18000-18200' }] } },
    }),
  },
  {
    name: 'all ports published, one of them at a fixed one',
    groups: ['ports'],
    parts: ({ port }) => ({
      config: { ExposedPorts: { '80/tcp': {}, '81/tcp': {} } },
      host: { PublishAllPorts: true, PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: String(port) }] } },
    }),
  },
  {
    name: 'two ports of the container at one of the host, by protocol',
    groups: ['ports'],
    parts: ({ port }) => ({
      config: { ExposedPorts: { '53/tcp': {}, '53/udp': {} } },
      host: {
        PortBindings: {
          '53/tcp': [{ HostIp: '127.0.0.1', HostPort: String(port) }],
          '53/udp': [{ HostIp: '127.0.0.1', HostPort: String(port) }],
        },
      },
    }),
  },
];

const STORAGE: Field[] = [
  {
    name: 'bind mounts with other options',
    parts: ({ folder }) => ({
      host: {
        Binds: [
          `${folder}:/bind-cached:cached`,
          `${folder}:/bind-private:ro,private`,
          `${folder}/made:/bind-deep/er:rw`,
        ],
      },
    }),
  },
  {
    name: 'a folder in another',
    parts: ({ folder }) => ({ host: { Binds: [`${folder}:/in`, `${folder}/made:/in/made`] } }),
  },
  {
    name: 'named volume with a label for SELinux',
    parts: ({ volumes: [, two] }) => ({ host: { Binds: [`${two}:/named-z:z`, `${two}:/named-both:ro,nocopy`] } }),
  },
  {
    name: 'mount of an anonymous volume with options',
    parts: () =>
      mounts({
        Type: 'volume',
        Target: '/mount-labelled',
        VolumeOptions: { NoCopy: true, Labels: { 'org.example.volume': '1' } },
      }),
  },
  {
    name: 'mounts of folders with other options',
    parts: ({ folder }) =>
      mounts(
        { Type: 'bind', Source: folder, Target: '/mount-private', BindOptions: { Propagation: 'private' } },
        {
          Type: 'bind',
          Source: folder,
          Target: '/mount-nonrec-ro',
          ReadOnly: true,
          BindOptions: { NonRecursive: true },
        },
        { Type: 'bind', Source: `${folder}/`, Target: '/mount-plain/' },
      ),
  },
  { name: 'mount of tmpfs without options', parts: () => mounts({ Type: 'tmpfs', Target: '/mount-tmpfs-bare' }) },
  {
    // Engine 28 takes one a container.
    name: 'mount of an image',
    groups: ['image mount'],
    api: '1.48',
    parts: ({ other }) => mounts({ Type: 'image', Source: other, Target: '/image' }),
  },
  {
    name: 'mount of a part of an image',
    groups: ['image mount'],
    api: '1.49',
    parts: ({ other }) =>
      mounts({ Type: 'image', Source: other, Target: '/image-bin', ImageOptions: { Subpath: 'bin' } }),
  },
  {
    name: 'volumes from two containers',
    groups: ['/data'],
    parts: ({ storage, neighbour }) => ({ host: { VolumesFrom: [storage, `${neighbour}:ro`] } }),
  },
  { name: 'tmpfs over a volume of the image', groups: ['/data'], parts: host({ Tmpfs: { '/data': 'size=1m' } }) },
];

const NETWORK: Field[] = [
  { name: 'the default network by its name', groups: ['network'], parts: host({ NetworkMode: 'bridge' }) },
  { name: 'the default network', groups: ['network'], parts: host({ NetworkMode: 'default' }) },
  {
    name: 'a fixed address of one family',
    groups: ['network=user', 'address'],
    parts: ({ networks: [one, two], v4 }) => ({
      host: { NetworkMode: two },
      networks: { [two]: {}, [one]: { IPAMConfig: { IPv4Address: v4 } } },
    }),
  },
  {
    name: 'an address of the link',
    groups: ['network=user'],
    parts: ({ networks: [, two] }) => ({
      host: { NetworkMode: two },
      networks: { [two]: { IPAMConfig: { LinkLocalIPs: ['169.254.34.68'] } } },
    }),
  },
  {
    name: 'sysctls of an endpoint',
    groups: ['network=user'],
    api: '1.46',
    parts: ({ networks: [, two, three] }) => ({
      host: { NetworkMode: two },
      networks: {
        [two]: {},
        [three]: { DriverOpts: { 'com.docker.network.endpoint.sysctls': 'net.ipv4.conf.IFNAME.log_martians=1' } },
      },
    }),
  },
  {
    name: 'a name server alone',
    groups: ['dns'],
    parts: host({ Dns: ['10.9.8.7'], DnsSearch: ['.'] }),
  },
  {
    name: 'the same extra host twice',
    groups: ['dns'],
    parts: host({ ExtraHosts: ['db:10.1.2.3', 'db:10.1.2.4', 'db:fd00::2'] }),
  },
];

const RIGHTS: Field[] = [
  {
    name: 'all capabilities but one',
    groups: ['capabilities'],
    parts: host({ CapAdd: ['CHOWN', 'setuid'], CapDrop: ['ALL'] }),
  },
  {
    name: 'a seccomp profile',
    groups: ['security'],
    parts: host({
      SecurityOpt: ['seccomp={"defaultAction":"SCMP_ACT_ALLOW"}', 'label=disable', 'apparmor=unconfined'],
    }),
  },
  { name: 'new privileges allowed', groups: ['security'], parts: host({ SecurityOpt: ['no-new-privileges=false'] }) },
  {
    name: 'several devices',
    groups: ['devices'],
    parts: host({
      Devices: ['/dev/zero', '/dev/full'].map((device) => ({
        PathOnHost: device,
        PathInContainer: device,
        CgroupPermissions: 'rwm',
      })),
    }),
  },
  { name: 'a group by its name', parts: host({ GroupAdd: ['app'] }) },
];

const NAMESPACES: Field[] = [
  {
    name: "the neighbour's ipc",
    groups: ['ipc'],
    parts: ({ neighbour }) => ({ host: { IpcMode: `container:${neighbour}` } }),
  },
  { name: 'shared memory alone', groups: ['ipc'], parts: host({ ShmSize: 1_048_576 }) },
  {
    name: 'sysctls of ipc',
    groups: ['ipc'],
    parts: host({ IpcMode: 'private', Sysctls: { 'kernel.msgmax': '9000' } }),
  },
];

const LIMITS: Field[] = [
  {
    name: 'memory, and as much swap as there is',
    groups: ['memory'],
    parts: host({ Memory: 67_108_864, MemorySwap: -1 }),
  },
  {
    name: 'memory that is set aside',
    groups: ['memory'],
    parts: host({ MemoryReservation: 33_554_432, OomScoreAdj: 1000 }),
  },
  {
    name: 'no swapping',
    groups: ['memory'],
    parts: host({ Memory: 67_108_864, MemorySwappiness: 0, OomKillDisable: false }),
  },
  { name: 'a period of the cpu', groups: ['cpu'], parts: host({ CpuPeriod: 50_000 }) },
  { name: 'as few shares as can be', groups: ['shares'], parts: host({ CpuShares: 2 }) },
  { name: 'as many processes as there can be', groups: ['processes'], parts: host({ PidsLimit: -1 }) },
  { name: 'no limit of processes', groups: ['processes'], parts: host({ PidsLimit: 0 }) },
  { name: 'another ulimit', parts: host({ Ulimits: [{ Name: 'memlock', Soft: 65_536, Hard: 65_536 }] }) },
];

const REST: Field[] = [
  {
    name: 'log that does not wait',
    groups: ['log'],
    parts: host({
      LogConfig: {
        Type: 'json-file',
        Config: { mode: 'non-blocking', 'max-buffer-size': '1m', tag: '{{.Name}}', env: 'USERS', compress: 'false' },
      },
    }),
  },
  { name: 'log as the engine likes', groups: ['log'], parts: host({ LogConfig: { Type: '', Config: {} } }) },
  {
    name: 'restart on failure, as often as it takes',
    groups: ['restart'],
    parts: host({ RestartPolicy: { Name: 'on-failure' } }),
  },
  { name: 'no restart', groups: ['restart'], parts: host({ RestartPolicy: { Name: 'no' } }) },
  { name: 'isolation', parts: host({ Isolation: 'default' }) },
  { name: 'runtime by the name of its shim', groups: ['runtime'], parts: host({ Runtime: 'io.containerd.runc.v2' }) },
];

/** To be had beside those in fields.ts. */
export const MORE_FIELDS: Field[] = [
  ...CONFIG,
  ...PORTS,
  ...STORAGE,
  ...NETWORK,
  ...RIGHTS,
  ...NAMESPACES,
  ...LIMITS,
  ...REST,
];
