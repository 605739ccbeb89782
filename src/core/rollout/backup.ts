import type { Container, Mount } from '../model/container.ts';
import { fail } from '../model/error.ts';
import { COMPOSE_PROJECT } from '../model/label-keys.ts';
import type { OwnLabels } from '../model/own-labels.ts';
import type { VolumeCopy } from '../service/labels.ts';
import type { Policy } from '../settings/policy.ts';
import type { Backup, Desired, Observed, Replica } from './observed.ts';
import type { Step } from './step.ts';

/**
 * The steps that back up a container's volumes (strategy `stop-first`): between the stop of the incumbent and the start of the
 * candidate. If the roll fails, swapctl restores the backup before the incumbent starts again. A backup counts once an inert
 * container marks it as complete.
 */

/** The volumes of a container to back up, in the order of its mounts. Raises `config` for names that it does not mount. */
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

/** The volumes that a container can write to, without duplicates. */
export function writtenVolumes({ mounts }: Pick<Container, 'mounts'>): Mount[] {
  const volumes = mounts.filter((mount) => mount.type === 'volume' && mount.writable && mount.name !== '');
  return volumes.filter((mount, at) => volumes.findIndex(({ name }) => name === mount.name) === at);
}

/** The next step for the volumes before a candidate may start; undefined if there is none. */
export function volumesFirst(seen: Observed, candidate: Replica): Step | undefined {
  const { saves, fillFrom, roll } = candidate;
  if (saves.length === 0 || roll === undefined) return undefined;
  if (!backupOf(seen, candidate)) return { kind: 'back-up', name: seen.names.slotName, volumes: saves, roll };
  const filling = seen.backups.find((backup) => backup.roll === fillFrom);
  return filling && !seen.restored.includes(filling.id) ? restore(filling) : undefined;
}

/** Why the volumes of a candidate can't be filled as planned; undefined if they can, or already were. */
export function lostFilling(seen: Observed, { fillFrom }: Replica): string | undefined {
  if (fillFrom === undefined || seen.backups.some(({ roll }) => roll === fillFrom)) return undefined;
  return 'a user or another program removed the volume backup to restore';
}

/** The next step to restore volumes before the incumbent may start again; undefined if there is none. */
export function volumesBack(seen: Observed, incumbent: Replica, candidate: Replica | undefined): Step | undefined {
  const own = candidate ? backupOf(seen, candidate) : seen.backups.find((backup) => isFresh(backup, incumbent));
  if (!own || seen.restored.includes(own.id)) return undefined;
  // Nothing has written to the volumes since.
  if (candidate && candidate.startedAt === 0 && candidate.fillFrom === undefined) return undefined;
  return restore(own);
}

/** The complete backup that a candidate's roll made since the last run of its incumbent. */
export function backupOf(seen: Observed, { roll }: Replica): Backup | undefined {
  return seen.backups.find((backup) => backup.roll === roll && isFresh(backup, seen.incumbent));
}

/** The next backup to remove; undefined if all are to stay. Only asked while a container serves. */
export function surplus(desired: Desired, seen: Observed, serving: Replica): Step | undefined {
  const { keep, fillFrom } = desired.backup;
  // Keep a backup until it has been restored.
  const backups = seen.backups.filter(({ roll }) => roll !== fillFrom || serving.fillFrom === fillFrom);
  const [extra] = beyondKeep(backups, keep, serving.imageId);
  if (extra) return drop(extra);
  const loose = seen.looseCopies.filter(({ at }) => keep === 0 || seen.backups.some((backup) => backup.at > at));
  return loose.length > 0 ? { kind: 'drop-copies', copies: loose.map(({ copy }) => copy) } : undefined;
}

/** The backups to remove while an image serves, newest first. */
export function beyondKeep(backups: readonly Backup[], keep: number, serving: string): Backup[] {
  // A failed roll leaves a backup of the image that still runs: the newest one is enough.
  const idle = backups.filter(({ image }) => image === serving).slice(keep > 0 ? 1 : 0);
  const older = backups.filter(({ image }) => image !== serving).slice(keep);
  return [...older, ...idle];
}

/** Removes the incomplete backup of a roll that died. */
export function dropHalfCopied({ halfCopied }: Observed): Step | undefined {
  return (
    halfCopied && { kind: 'drop-backup', container: halfCopied.id, name: halfCopied.name, copies: halfCopied.copies }
  );
}

// A backup must not overwrite data that the incumbent wrote after it.
function isFresh(backup: Backup, incumbent: Replica | undefined): boolean {
  return backup.madeAt > (incumbent?.startedAt ?? 0);
}

function restore({ id, name, copies }: Backup): Step {
  return { kind: 'put-back', backup: id, name, copies: copies.map(({ volume, copy }) => ({ volume, copy })) };
}

function drop({ id, name, copies }: Backup): Step {
  return { kind: 'drop-backup', container: id, name, copies: copies.map(({ copy }) => copy) };
}

/** The commands to restore a backup without swapctl; none for names that only a forged label can hold. */
export function byHand(copies: readonly Pick<VolumeCopy, 'volume' | 'copy'>[]): string {
  if (copies.some(({ volume, copy }) => !VOLUME.test(volume) || !VOLUME.test(copy)))
    return 'not at all: no volumes have the names that the label swapctl.state.copies says';
  const one = ({ volume, copy }: Pick<VolumeCopy, 'volume' | 'copy'>): string =>
    `docker run --rm -v ${copy}:/from:ro -v ${volume}:/to busybox sh -c 'find /to -mindepth 1 -delete; cp -a /from/. /to/'`;
  return copies.map(one).join(' ; ');
}

// Neither a path, nor anything that a shell or docker's -v would split.
const VOLUME = /^[A-Za-z0-9][A-Za-z0-9_./-]*$/;
