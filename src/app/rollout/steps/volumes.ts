import type { Container, ContainerSummary, Mount } from '../../../core/model/container.ts';
import { EngineError } from '../../../core/model/engine-error.ts';
import { fail } from '../../../core/model/error.ts';
import type { OwnLabels } from '../../../core/model/own-labels.ts';
import { byHand, wantedVolumes, writtenVolumes } from '../../../core/rollout/backup.ts';
import type { Backup, WantedBackup } from '../../../core/rollout/observed.ts';
import { decodeState, slotLabel, type VolumeCopy } from '../../../core/service/labels.ts';
import { copyName } from '../../../core/service/names.ts';
import { copyState, helperRole } from '../../../core/service/ownership.ts';
import type { Policy } from '../../../core/settings/policy.ts';
import type { Ports } from '../../../ports/ports.ts';
import { lacksOwners } from '../../select/engine-capabilities.ts';
import { findEraser } from './eraser.ts';

/** All complete volume backups of a slot, the newest first. */
export async function backupsOf(ports: Ports, all: readonly ContainerSummary[], slotName: string): Promise<Backup[]> {
  const found = await Promise.all(all.map((container) => backupIn(ports, container, slotName)));
  return found.filter((backup) => backup !== undefined).sort((a, b) => b.madeAt - a.madeAt);
}

async function backupIn(ports: Ports, container: ContainerSummary, slotName: string): Promise<Backup | undefined> {
  if (helperRole(container) !== 'backup') return undefined;
  const state = decodeState(container.labels);
  if (state?.slot !== slotName) return undefined;
  const inspected = await ports.engine.container(container.id);
  if (!inspected) return undefined;
  const { id, name } = container;
  const { roll, at, image, copies } = state;
  return { id, name, roll, at, madeAt: inspected.createdAt, image, copies };
}

/** A serving container of a slot, and its own labels. */
interface Subject {
  readonly container: Container;
  readonly own: OwnLabels;
  readonly slotName: string;
  /** The key of its service. */
  readonly service: string;
}

/**
 * The desired backup of a container's volumes, checked before the first change. `backTo`: the image whose backup is to be
 * restored as well. Raises `config` and `refused` for volumes that can't be backed up safely, `no-history` if there is no such
 * backup, and `backup-failed` if there is no room for one.
 */
export async function prepareVolumes(
  ports: Ports,
  { container, own, slotName, service }: Subject,
  policy: Policy,
  all: readonly ContainerSummary[],
  backTo: string | undefined,
): Promise<WantedBackup> {
  const keep = policy.backupKeep;
  const back = backTo === undefined ? undefined : await backupFor(ports, container, slotName, all, backTo);
  const wanted = withFilled(container, wantedVolumes(container, own, policy), back);
  if (wanted.length === 0) return { volumes: [], keep, fillFrom: undefined };
  await refuseWithoutOwners(ports, container);
  refuseForeign(container, wanted);
  await refuseOtherWriters(ports, container, wanted, all);
  await refuseWithoutEraser(ports, { container, own, slotName, service }, policy, all);
  const volumes = wanted.map(({ name }) => name);
  await refuseWithoutRoom(ports, container, volumes);
  return { volumes, keep, fillFrom: back?.roll };
}

async function refuseWithoutOwners(ports: Ports, { name }: Container): Promise<void> {
  if (!lacksOwners(await ports.engine.facts())) return;
  fail('refused', `the volumes of ${name} can't be backed up: Podman's API does not report the owners of files`, {
    hint: 'remove swapctl.backup.volumes, and back up the volumes by other means before the roll',
  });
}

async function backupFor(
  ports: Ports,
  container: Container,
  slotName: string,
  all: readonly ContainerSummary[],
  image: string,
): Promise<Backup> {
  const [backup] = (await backupsOf(ports, all, slotName)).filter((one) => one.image === image);
  if (backup) return backup;
  const unmarked = await unmarkedCopies(ports, container, slotName, image);
  return fail('no-history', `there is no volume backup of ${container.name} that belongs to that image`, {
    hint:
      unmarked.length === 0
        ? 'swapctl history lists the backups; without --with-volumes, the rollback keeps the volumes as they are'
        : 'there are copies without the container that marks them as complete: docker container prune has removed it, or swapctl ' +
          `died while it copied; look into them, then roll back without --with-volumes and restore by hand: ${byHand(unmarked)}`,
  });
}

// A prune of containers takes the mark of a backup and leaves the copies.
async function unmarkedCopies(
  { engine, host }: Ports,
  container: Container,
  slotName: string,
  image: string,
): Promise<Pick<VolumeCopy, 'volume' | 'copy'>[]> {
  const copies = (await engine.volumes(slotLabel(slotName))).flatMap((volume) => {
    const state = copyState(volume, slotName);
    return state?.image === image ? [{ copy: volume.name, roll: state.roll }] : [];
  });
  return writtenVolumes(container).flatMap(({ name: volume }) =>
    copies
      .filter(({ copy, roll }) => copy === copyName(volume, roll, host.sha256))
      .map(({ copy }) => ({ volume, copy })),
  );
}

// Whatever is overwritten is copied first, whether or not the settings ask for it.
function withFilled(container: Container, wanted: readonly Mount[], back: Backup | undefined): Mount[] {
  if (!back) return [...wanted];
  const mounted = writtenVolumes(container);
  const filled = back.copies.map(
    ({ volume }) =>
      mounted.find(({ name }) => name === volume) ??
      fail('refused', `${container.name} can't write to the volume ${volume} any more, of which there is a copy`, {
        hint: 'without --with-volumes, the rollback keeps the volumes as they are',
      }),
  );
  return mounted.filter((mount) => wanted.includes(mount) || filled.includes(mount));
}

function refuseForeign({ name }: Container, volumes: readonly Mount[]): void {
  const foreign = volumes.find(({ driver }) => driver !== '' && driver !== 'local');
  if (!foreign) return;
  fail(
    'refused',
    `the volume ${foreign.name} of ${name} is one of the driver ${foreign.driver}, on which others may write`,
    {
      hint: 'name only volumes of the local driver in swapctl.backup.volumes, or set it to false',
    },
  );
}

async function refuseOtherWriters(
  ports: Ports,
  container: Container,
  volumes: readonly Mount[],
  all: readonly ContainerSummary[],
): Promise<void> {
  const names = new Set(volumes.map(({ name }) => name));
  const others = all.filter(
    (other) => other.id !== container.id && ['running', 'paused', 'restarting'].includes(other.status),
  );
  for (const { id } of others) {
    const other = await ports.engine.container(id);
    const shared = other && writtenVolumes(other).find(({ name }) => names.has(name));
    if (!shared) continue;
    fail(
      'refused',
      `${other.name} writes to the volume ${shared.name} as well, so a backup of it would not be consistent`,
      {
        hint: `stop ${other.name} first, mount the volume there read-only, or leave it out of swapctl.backup.volumes`,
      },
    );
  }
}

async function refuseWithoutEraser(
  ports: Ports,
  { container, slotName, service }: Subject,
  { eraser: named }: Policy,
  all: readonly ContainerSummary[],
): Promise<void> {
  if (await findEraser(ports, all, { service, slotName, images: [container.imageId], named })) return;
  fail(
    'refused',
    `${slotName}: its image has no program rm, without which a backup of its volumes could not be restored`,
    {
      hint: 'name an image of this engine that has it (swapctl.backup.eraser=busybox), or set swapctl.backup.volumes=false',
    },
  );
}

const DF_TIMEOUT_MS = 10_000;

// Only if it can be known: the engine reports the size of volumes, a container on it the free space.
async function refuseWithoutRoom(ports: Ports, container: Container, volumes: readonly string[]): Promise<void> {
  const free = await freeBytes(ports, container);
  if (free === undefined) return;
  const sizes = await ports.engine.volumeSizes().catch(unknownSizes);
  const needed = volumes.reduce((sum, name) => sum + (sizes.get(name) ?? 0), 0);
  if (needed < free) return;
  fail('backup-failed', `the volumes of ${container.name} hold ${needed} bytes, and there is room for ${free} more`, {
    state: 'untouched',
    hint: 'make room, or name only some of them in swapctl.backup.volumes',
  });
}

function unknownSizes(error: unknown): Map<string, number> {
  if (!(error instanceof EngineError)) throw error;
  return new Map();
}

// The engine's images, containers and volumes usually share a file system with a container's root.
async function freeBytes({ engine }: Ports, { id }: Container): Promise<number | undefined> {
  const told = await engine.exec(id, ['df', '-P', '-k', '/'], { timeoutMs: DF_TIMEOUT_MS }).catch(() => undefined);
  if (told?.exitCode !== 0) return undefined;
  // POSIX: file system, size, used, free, use, mounted on.
  const kilobytes = told.output.trim().split('\n').at(-1)?.trim().split(/\s+/)[3] ?? '';
  return /^\d{1,12}$/.test(kilobytes) ? Number(kilobytes) * 1024 : undefined;
}
