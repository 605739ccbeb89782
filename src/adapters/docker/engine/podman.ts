import os from 'node:os';

type Raw = Record<string, unknown>;

/**
 * A container of Podman's Docker API (tried with 4.3), in Docker's terms. It shows a result where Docker shows the user's value:
 * without a translation, swapctl would ask for the result, and pin it for ever.
 */
export function inDockerTerms(container: unknown): Raw {
  const raw = record(container);
  const config = record(raw.Config);
  const host = record(raw.HostConfig);
  return {
    ...raw,
    Config: { ...config, ...configured(config) },
    HostConfig: { ...withoutMode(host), ...hosted(host) },
  };
}

/** An image or a list entry, with Docker Hub's names in Docker's short form. */
export function withShortNames(body: unknown): Raw {
  const raw = record(body);
  const shorter = Object.entries({ RepoTags: raw.RepoTags, RepoDigests: raw.RepoDigests });
  const lists = shorter.flatMap(([key, names]) => (Array.isArray(names) ? [[key, names.map(shortName)] as const] : []));
  return { ...raw, ...Object.fromEntries(lists), ...(raw.Image === undefined ? {} : { Image: shortName(raw.Image) }) };
}

function shortName(name: unknown): string {
  return String(name ?? '').replace(/^docker\.io\/(library\/)?/, '');
}

function configured(config: Raw): Raw {
  return {
    Image: shortName(config.Image),
    Env: strings(config.Env).filter((pair) => !isOfPodman(pair, config)),
    StopSignal: signalName(config.StopSignal),
    WorkingDir: config.WorkingDir === '/' ? '' : config.WorkingDir,
  };
}

// Podman gives these variables to every container that lacks them, so a re-created one gets them, too.
function isOfPodman(pair: string, { Hostname, User }: Raw): boolean {
  const home = User ? [`HOME=/home/${User}`, 'HOME=/'] : ['HOME=/root', 'HOME=/'];
  return ['container=podman', 'TERM=xterm', `HOSTNAME=${Hostname}`, ...home].includes(pair);
}

// Podman shows a number, and the default if there is none.
function signalName(said: unknown): string {
  const name = Object.entries(os.constants.signals).find(([, number]) => String(number) === String(said))?.[0];
  return name === 'SIGTERM' ? '' : (name ?? String(said ?? ''));
}

// Podman shows "private" for an unset mode, and "oci" for every runtime; swappiness 0 means "not set", but is refused in a
// request.
function withoutMode(host: Raw): Raw {
  const { Runtime: _, MemorySwappiness, NanoCpus, ...rest } = host;
  const swappiness = Number(MemorySwappiness) > 0 ? { MemorySwappiness } : {};
  // Podman shows both, but a request may have only one.
  const cpus = Number(host.CpuQuota) > 0 ? {} : { NanoCpus };
  return { ...rest, ...swappiness, ...cpus };
}

function hosted(host: Raw): Raw {
  return {
    PidMode: host.PidMode === 'private' ? '' : host.PidMode,
    UTSMode: host.UTSMode === 'private' ? '' : host.UTSMode,
    IpcMode: host.IpcMode === 'shareable' ? '' : host.IpcMode,
    Binds: strings(host.Binds).flatMap(bind),
    Ulimits: records(host.Ulimits).map((limit) => ({ ...limit, Name: ulimitName(limit.Name) })),
    Devices: records(host.Devices).map((device) => ({
      ...device,
      CgroupPermissions: device.CgroupPermissions || 'rwm',
    })),
  };
}

const OPTIONS_OF_PODMAN = new Set(['rw', 'rprivate', 'rbind', 'nosuid', 'nodev', 'exec']);

// Podman lists anonymous volumes among the binds; Docker has them only among the mounts.
function bind(text: string): string[] {
  const [source = '', target = '', options = ''] = text.split(':');
  if (/^[0-9a-f]{64}$/.test(source)) return [];
  const own = options.split(',').filter((option) => option !== '' && !OPTIONS_OF_PODMAN.has(option));
  return [[source, target, ...(own.length > 0 ? [own.join(',')] : [])].join(':')];
}

function ulimitName(name: unknown): string {
  return String(name)
    .replace(/^RLIMIT_/, '')
    .toLowerCase();
}

function record(value: unknown): Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Raw) : {};
}

function records(value: unknown): Raw[] {
  return Array.isArray(value) ? value.map(record) : [];
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
