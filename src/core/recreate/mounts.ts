import type { Container, HostConfig, Mount, MountRequest } from '../container.ts';

/**
 * The mounts to create with: what the user asked for, and every anonymous volume re-attached by its name. Watchers
 * that forget the second move the data silently to an orphan volume (T18). `inherited` are the targets that
 * `VolumesFrom` brings.
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
  return { Binds: container.host.Binds ?? null, Mounts: [...asked, ...anonymous.map(reattached)] };
}

/** The targets that a host config mounts something at by itself. */
export function mountTargets(host: HostConfig): Set<string> {
  return new Set([...(host.Mounts ?? []).map((mount) => mount.Target), ...(host.Binds ?? []).map(bindTarget)]);
}

function bindTarget(bind: string): string {
  const fields = bind.split(':');
  return (fields.length === 1 ? fields[0] : fields[1]) ?? '';
}

function named(mount: MountRequest, effective: readonly Mount[]): MountRequest {
  if (mount.Type !== 'volume' || mount.Source) return mount;
  const volume = effective.find((candidate) => candidate.target === mount.Target);
  return volume ? { ...mount, Source: volume.name } : mount;
}

function reattached(mount: Mount): MountRequest {
  return { Type: 'volume', Source: mount.name, Target: mount.target, ReadOnly: !mount.writable };
}
