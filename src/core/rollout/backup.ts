import type { Container, Mount } from '../model/container.ts';
import { fail } from '../model/error.ts';
import { COMPOSE_PROJECT } from '../model/label-keys.ts';
import type { OwnLabels } from '../model/own-labels.ts';
import type { VolumeCopy } from '../service/labels.ts';
import type { Policy } from '../settings/policy.ts';
import type { Backup, Desired, Observed, Replica } from './observed.ts';
import type { Step } from './step.ts';

/**
 * The steps that keep what is in a container's volumes (way `stop-first`): after the old container has stopped they are copied,
 * and only then its successor starts. What goes wrong afterwards puts the copies back before the old container starts again. A
 * copy counts once an inert container says that it is complete; until then it is nothing but rubbish of swapctl's own.
 */

/** The volumes of a container that are to be copied, in the order of its mounts. Raises `config` for names that it does not mount. */
export function wantedVolumes(container: Pick<Container, 'mounts' | 'name'>, own: OwnLabels, policy: Policy): Mount[] {
  const { backup } = policy;
  const mounted = writtenVolumes(container);
  if (backup.kind === 'none') return [];
  if (backup.kind === 'all') return mounted;
  const project = own[COMPOSE_PROJECT];
  const isNamed = ({ name, target }: Mount, said: string): boolean =>
    name === said || target === said || (project !== undefined && name === `${project}_${said}`);
  for (const said of backup.names) {
    if (mounted.some((mount) => isNamed(mount, said))) continue;
    fail('config', `swapctl.backup.volumes: ${container.name} can write to no volume ${JSON.stringify(said)}`, {
      hint: mounted.length > 0 ? `it has ${mounted.map(({ name }) => name).join(', ')}` : 'it has none at all',
    });
  }
  return mounted.filter((mount) => backup.names.some((said) => isNamed(mount, said)));
}

/** The volumes that a container can write to, each once. */
export function writtenVolumes({ mounts }: Pick<Container, 'mounts'>): Mount[] {
  const volumes = mounts.filter((mount) => mount.type === 'volume' && mount.writable && mount.name !== '');
  return volumes.filter((mount, at) => volumes.findIndex(({ name }) => name === mount.name) === at);
}

/** What has to be done about the volumes before a new container may start; undefined once nothing has. */
export function volumesFirst(seen: Observed, candidate: Replica): Step | undefined {
  const { saves, fillFrom, roll } = candidate;
  if (saves.length === 0 || roll === undefined) return undefined;
  if (!backupOf(seen, candidate)) return { kind: 'back-up', name: seen.names.home, volumes: saves, roll };
  const filling = seen.backups.find((backup) => backup.roll === fillFrom);
  return filling && !seen.putBack.includes(filling.id) ? putBack(filling) : undefined;
}

/** Why a new container can't be filled as it was meant to be; undefined where it can, or has been. */
export function lostFilling(seen: Observed, { fillFrom }: Replica): string | undefined {
  if (fillFrom === undefined || seen.backups.some(({ roll }) => roll === fillFrom)) return undefined;
  return 'a user or another program removed the volume backup to restore';
}

/** What has to be put back before the old container may start again; undefined where nothing has. */
export function volumesBack(seen: Observed, incumbent: Replica, candidate: Replica | undefined): Step | undefined {
  const own = candidate ? backupOf(seen, candidate) : seen.backups.find((backup) => isFresh(backup, incumbent));
  if (!own || seen.putBack.includes(own.id)) return undefined;
  // Nobody has written anything since.
  if (candidate && candidate.startedAt === 0 && candidate.fillFrom === undefined) return undefined;
  return putBack(own);
}

/** The complete copy that a candidate's roll made since its old container ran last. */
export function backupOf(seen: Observed, { roll }: Replica): Backup | undefined {
  return seen.backups.find((backup) => backup.roll === roll && isFresh(backup, seen.incumbent));
}

/** The next copy that is kept no longer; undefined where all are kept. Only asked while a container serves. */
export function surplus(desired: Desired, seen: Observed, serving: Replica): Step | undefined {
  const { keep, fillFrom } = desired.backup;
  // What is to be put back is kept until it has been.
  const backups = seen.backups.filter(({ roll }) => roll !== fillFrom || serving.fillFrom === fillFrom);
  const [extra] = beyondKeep(backups, keep, serving.imageId);
  if (extra) return drop(extra);
  const loose = seen.looseCopies.filter(({ at }) => keep === 0 || seen.backups.some((backup) => backup.at > at));
  return loose.length > 0 ? { kind: 'drop-copies', copies: loose.map(({ copy }) => copy) } : undefined;
}

/** The copies, newest first, that are kept no longer while an image serves. */
export function beyondKeep(backups: readonly Backup[], keep: number, serving: string): Backup[] {
  // Of what runs still, a copy is only left where a roll failed: the newest of them will do.
  const idle = backups.filter(({ image }) => image === serving).slice(keep > 0 ? 1 : 0);
  const older = backups.filter(({ image }) => image !== serving).slice(keep);
  return [...older, ...idle];
}

/** Takes away what a roll that died has left of its copying. */
export function dropHalfCopied({ halfCopied }: Observed): Step | undefined {
  return (
    halfCopied && { kind: 'drop-backup', container: halfCopied.id, name: halfCopied.name, copies: halfCopied.copies }
  );
}

// What the old container wrote after a copy was made is in no copy, and must not be overwritten by it.
function isFresh(backup: Backup, incumbent: Replica | undefined): boolean {
  return backup.madeAt > (incumbent?.startedAt ?? 0);
}

function putBack({ id, name, copies }: Backup): Step {
  return { kind: 'put-back', backup: id, name, copies: copies.map(({ volume, copy }) => ({ volume, copy })) };
}

function drop({ id, name, copies }: Backup): Step {
  return { kind: 'drop-backup', container: id, name, copies: copies.map(({ copy }) => copy) };
}

/** How people put copies back without swapctl; of names that only a forged label can hold there is no command to copy out. */
export function byHand(copies: readonly Pick<VolumeCopy, 'volume' | 'copy'>[]): string {
  if (copies.some(({ volume, copy }) => !VOLUME.test(volume) || !VOLUME.test(copy)))
    return 'not at all: no volumes have the names that the label swapctl.state.copies says';
  const one = ({ volume, copy }: Pick<VolumeCopy, 'volume' | 'copy'>): string =>
    `docker run --rm -v ${copy}:/from:ro -v ${volume}:/to busybox sh -c 'find /to -mindepth 1 -delete; cp -a /from/. /to/'`;
  return copies.map(one).join(' ; ');
}

// Neither a path, nor anything that a shell or docker's -v takes apart.
const VOLUME = /^[A-Za-z0-9][A-Za-z0-9_./-]*$/;
