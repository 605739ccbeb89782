import type { Container, HostConfig, Mount, MountRequest } from '../model/container.ts';

/**
 * The mounts to create with: those of the user, and every anonymous volume by its name. Tools that forget the second silently
 * leave the data in an orphaned volume (T18). `inherited` are the targets that come from `VolumesFrom`.
 */
export function mountRequests(
  container: Container,
  inherited: ReadonlySet<string>,
): Pick<HostConfig, 'Binds' | 'Mounts'> {
  const asked = (container.host.Mounts ?? []).map((mount) => named(mount, container.mounts));
  const covered = new Set([...mountTargets(container.host), ...inherited]);
  const anonymous = container.mounts.filter(
    (mount) => mount.type === 'volume' && mount.name !== '' && !covered.has(mount.target),
  );
  const binds = container.host.Binds?.filter((bind) => !isAnonymous(bind)) ?? null;
  return { Binds: binds, Mounts: [...asked, ...anonymous.map(reattached)] };
}

/** The targets of named mounts in a host config. */
export function mountTargets(host: HostConfig): Set<string> {
  const binds = (host.Binds ?? []).filter((bind) => !isAnonymous(bind));
  return new Set([...(host.Mounts ?? []).map((mount) => cleanPath(mount.Target)), ...binds.map(bindTarget)]);
}

// A target alone asks for a new volume each time.
function isAnonymous(bind: string): boolean {
  return !bind.includes(':');
}

function bindTarget(bind: string): string {
  return cleanPath(bind.split(':')[1] ?? '');
}

// The request keeps a path as it was written; the mounts in effect show it cleaned (Go's path.Clean).
function cleanPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

function named(mount: MountRequest, effective: readonly Mount[]): MountRequest {
  if (mount.Type !== 'volume' || mount.Source) return mount;
  const volume = effective.find((candidate) => candidate.target === cleanPath(mount.Target));
  return volume ? { ...mount, Source: volume.name } : mount;
}

function reattached(mount: Mount): MountRequest {
  return { Type: 'volume', Source: mount.name, Target: mount.target, ReadOnly: !mount.writable };
}
