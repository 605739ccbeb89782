import type { Container, CreateRequest } from '../../../core/model/container.ts';
import { EngineError } from '../../../core/model/engine-error.ts';
import { fail, messageOf, SwapError } from '../../../core/model/error.ts';
import type { FolderSize } from '../../../core/model/volume.ts';
import { copyingRequest } from '../../../core/recreate/request.ts';
import { byHand, writtenVolumes } from '../../../core/rollout/backup.ts';
import type { Backup, HalfCopied, Observed } from '../../../core/rollout/observed.ts';
import type { Step } from '../../../core/rollout/step.ts';
import { encodeState, type StateNote, type VolumeCopy } from '../../../core/service/labels.ts';
import { backupName, copyName } from '../../../core/service/names.ts';
import { copyState, membersOf, type Refilled, whyNotRefill } from '../../../core/service/ownership.ts';
import type { Ports } from '../../../ports/ports.ts';
import { firstThere } from '../../lock/held-lock.ts';
import { listed } from '../../select/own.ts';
import type { SlotRun } from '../slot-run.ts';
import type { Snapshot } from '../snapshot.ts';
import { findEraser } from './eraser.ts';
import { removeCopy, removeOwn } from './remove.ts';

type Of<K extends Step['kind']> = Extract<Step, { kind: K }>;

// The mount points of the volumes in the copying container: each volume has the same number in both.
const SOURCE = '/swapctl/from';
const TARGET = '/swapctl/to';

/**
 * Backs volumes up into new ones, and marks them as complete by an inert container that mounts them, so that a prune of volumes
 * spares them. First removes the remains of an earlier try of the same roll.
 */
export async function backUp(
  run: SlotRun,
  step: Of<'back-up'>,
  { seen, incumbent, candidate }: Snapshot,
): Promise<void> {
  const began = run.now();
  const planned = step.volumes.map((volume) => ({
    volume,
    copy: copyName(volume, step.roll, run.ports.host.sha256),
    bytes: 0,
    files: 0,
  }));
  const image = incumbent?.imageId ?? seen.candidate?.imageBefore ?? '';
  const note = { service: run.service, slot: run.names.slotName, roll: step.roll, image, at: isoNow(run) };
  try {
    const stale = seen.backups.find(({ roll }) => roll === step.roll);
    if (stale) await removeOwn(run.ports, stale.id, 'backup');
    const inert = await firstThere(run.ports, [image, candidate?.imageId ?? '']);
    const copies = await copyAll(run, planned, inert, note);
    const labels = encodeState({ ...note, role: 'backup', base: inert, copies });
    const mounts = copies.map(({ copy }, at) => mount(copy, SOURCE, at, true));
    await run.ports.engine.create(copyingRequest(backupName(run.names.slotName, step.roll), inert, labels, mounts));
    run.memory.backup = { copies, ms: run.now() - began };
  } catch (error) {
    await discard(run, planned);
    throw notCopied(run, error);
  }
}

async function copyAll(
  run: SlotRun,
  copies: readonly VolumeCopy[],
  image: string,
  note: Omit<StateNote, 'role'>,
): Promise<VolumeCopy[]> {
  const { engine } = run.ports;
  for (const { copy } of copies) {
    await removeCopy(run.ports, copy, run.names.slotName);
    await engine.createVolume(copy, encodeState({ ...note, role: 'backup' }));
  }
  const into = await helper(
    run,
    run.names.copying,
    image,
    { ...note, copies },
    copies.map(({ copy }, at) => mount(copy, TARGET, at)),
  );
  const from = await helper(
    run,
    run.names.reading,
    image,
    note,
    copies.map(({ volume }, at) => mount(volume, SOURCE, at, true)),
  );
  const signal = AbortSignal.any([run.signal, run.lost]);
  const done: VolumeCopy[] = [];
  for (const [at, one] of copies.entries()) done.push({ ...one, ...(await copyOne(run, from, into, at, signal)) });
  for (const id of [from, into]) await engine.remove(id, { discard: true });
  return done;
}

function helper(
  run: SlotRun,
  name: string,
  image: string,
  note: Omit<StateNote, 'role'>,
  mounts: readonly Mounting[],
): Promise<string> {
  return run.ports.engine.create(
    copyingRequest(name, image, encodeState({ ...note, role: 'copying', base: image }), mounts),
  );
}

function copyOne(run: SlotRun, from: string, into: string, at: number, signal: AbortSignal): Promise<FolderSize> {
  return run.ports.engine.copyFolder(
    { container: from, path: `${SOURCE}/${at}` },
    { container: into, path: TARGET },
    signal,
  );
}

// An incomplete backup only takes room; the next observation finds remains that can't be removed now.
async function discard(run: SlotRun, copies: readonly VolumeCopy[]): Promise<void> {
  try {
    for (const name of [run.names.reading, run.names.copying]) await removeOwn(run.ports, name, 'copying');
    for (const { copy } of copies) await removeCopy(run.ports, copy, run.names.slotName);
  } catch (error) {
    run.ports.report({ kind: 'debug', text: `half a copy is left: ${messageOf(error)}` });
  }
}

// No second try: during the backup no container serves.
function notCopied(run: SlotRun, error: unknown): unknown {
  if (run.signal.aborted || run.lost.aborted || !(error instanceof EngineError)) return error;
  const full = /no space left|quota exceeded/i.test(error.message);
  return new SwapError(
    'backup-failed',
    `the volumes of ${run.names.slotName} could not be backed up: ${error.message}`,
    {
      ...(full ? { hint: 'make room, or see swapctl.backup.volumes and swapctl.backup.keep' } : {}),
      cause: error,
    },
  );
}

/**
 * Restores a backup: empties the volumes, then copies the backup into them. Until that is complete no container starts, and the
 * backup stays, so that the restore can begin again at any time.
 */
export async function restoreBackup(run: SlotRun, step: Of<'put-back'>, { seen }: Snapshot): Promise<void> {
  const began = run.now();
  const { ports, memory } = run;
  const backup = seen.backups.find(({ id }) => id === step.backup) ?? gone(step.name);
  await mustBeThere(ports, backup);
  await mustBeOurs(run, backup, seen);
  try {
    await refill(run, backup, seen);
  } catch (error) {
    await discard(run, []);
    throw error;
  }
  memory.restored.add(backup.id);
  memory.restoreMs = (memory.restoreMs ?? 0) + run.now() - began;
}

async function refill(run: SlotRun, backup: Backup, seen: Observed): Promise<void> {
  const { engine } = run.ports;
  const { service, names, policy } = run;
  const { incumbent, candidate } = seen;
  const images = [backup.image, ...[incumbent, candidate].flatMap((one) => (one ? [one.imageId] : []))];
  const trusted = { service, slotName: names.slotName, images, named: policy.eraser };
  const eraser = (await findEraser(run.ports, await listed(engine), trusted)) ?? noEraser(backup);
  const targets = backup.copies.map((_, at) => `${TARGET}/${at}`);
  const { roll, image } = backup;
  const base = eraser.image;
  const note = { role: 'copying', service, slot: names.slotName, roll, image, base, at: isoNow(run) } as const;
  const mounts = backup.copies.map(({ volume }, at) => mount(volume, TARGET, at));
  const request = copyingRequest(run.names.copying, eraser.image, encodeState(note), mounts);
  const id = await engine.create(erasing(request, eraser.program, targets));
  await engine.start(id);
  // Its exit code means nothing: rm reports an error because it can't remove the mount points themselves.
  await engine.wait(id, run.lost);
  for (const path of targets) if ((await engine.folderSize(id, path, run.lost)).files > 0) notEmpty(backup);
  for (const [at, copy] of backup.copies.entries()) assertSame(copy, await copyOne(run, backup.id, id, at, run.lost));
  await engine.remove(id, { discard: true });
}

function erasing(request: CreateRequest, program: string, folders: readonly string[]): CreateRequest {
  return { ...request, config: { ...request.config, Entrypoint: [program], Cmd: ['-rf', ...folders], User: '0:0' } };
}

// Empty only volumes of this slot that no other container uses.
async function mustBeOurs(run: SlotRun, { copies }: Backup, { incumbent, candidate }: Observed): Promise<void> {
  const { engine } = run.ports;
  const owner = incumbent ?? candidate;
  const writers = await writersNow(run);
  for (const { volume, copy } of copies) {
    const found = await engine.volume(copy);
    const isCopy = found !== undefined && copyState(found, run.names.slotName) !== undefined;
    const why = whyNotRefill({ volume, copy, isCopy, writers: writers.get(volume) ?? [] }, owner?.id ?? '');
    if (why === undefined) continue;
    fail('attention', `the volume backup of ${run.names.slotName} is not restored: ${why}`, {
      hint: `its volumes were not touched; fix that, then run swapctl recover, or restore by hand: ${byHand(copies)}`,
    });
  }
}

async function writersNow({ ports: { engine }, names }: SlotRun): Promise<Map<string, Refilled['writers'][number][]>> {
  const all = await listed(engine);
  const members = membersOf(all, names.slotName);
  const writers = new Map<string, Refilled['writers'][number][]>();
  for (const one of all) {
    const running = ['running', 'paused', 'restarting'].includes(one.status);
    const container = running || members.includes(one) ? await engine.container(one.id) : undefined;
    const writer = { id: one.id, name: one.name, running };
    for (const { name } of container ? writtenVolumes(container) : [])
      writers.set(name, [...(writers.get(name) ?? []), writer]);
  }
  return writers;
}

// Better than volumes that are emptied and stay empty.
async function mustBeThere({ engine }: Ports, { copies, name }: Backup): Promise<void> {
  for (const { copy } of copies) if (!(await engine.volume(copy))) gone(`${name}: the volume ${copy}`);
}

function assertSame({ volume, bytes, files }: VolumeCopy, now: FolderSize): void {
  if (now.bytes === bytes && now.files === files) return;
  fail(
    'attention',
    `the backup of ${volume} has ${files} files of ${bytes} bytes, but ${now.files} of ${now.bytes} were restored`,
    {
      hint: 'swapctl does not start the old container, since the volume may be incomplete; check the volume, then start the container by hand',
    },
  );
}

function gone(what: string): never {
  return fail(
    'attention',
    `the volume backup to restore is gone (${what}); the volumes are as the new container left them`,
    {
      hint: 'check the files in the volumes, then start the old container with docker start',
    },
  );
}

function notEmpty({ copies }: Backup): never {
  return fail('attention', `what the new container wrote could not be removed from ${sources(copies)}`, {
    hint: byHand(copies),
  });
}

function noEraser({ copies }: Backup): never {
  return fail('attention', `neither image of the service has the program rm, which emptying ${sources(copies)} takes`, {
    hint: `name an image that has it in swapctl.yml (backup.eraser: busybox), then run swapctl recover; or by hand: ${byHand(copies)}`,
  });
}

function sources(copies: readonly VolumeCopy[]): string {
  return copies.map(({ volume }) => volume).join(', ');
}

/** Removes a backup, or the remains of an incomplete one: the container first, since it uses the volumes. */
export async function dropBackup(
  run: SlotRun,
  step: Of<'drop-backup'>,
  halfCopied: HalfCopied | undefined,
): Promise<void> {
  await removeOwn(run.ports, step.container, step.container === halfCopied?.id ? 'copying' : 'backup');
  await dropCopies(run, step.copies);
}

/** Removes volumes that swapctl made for backups. A volume in use stays until its user releases it. */
export async function dropCopies(run: SlotRun, copies: readonly string[]): Promise<void> {
  for (const copy of copies) {
    try {
      await removeCopy(run.ports, copy, run.names.slotName);
    } catch (error) {
      if (!(error instanceof EngineError) || error.status !== 409) throw error;
      run.memory.leftCopies.add(copy);
      run.ports.report({ kind: 'note', text: `the volume ${copy}, an old backup, stays, since a container uses it` });
    }
  }
}

function mount(volume: string, folder: string, at: number, readOnly = false): Mounting {
  // Without NoCopy the engine would fill an empty volume with the image's files at that path.
  return {
    Type: 'volume',
    Source: volume,
    Target: `${folder}/${at}`,
    ReadOnly: readOnly,
    VolumeOptions: { NoCopy: true },
  };
}

type Mounting = NonNullable<Container['host']['Mounts']>[number];

function isoNow(run: SlotRun): string {
  return new Date(run.now()).toISOString();
}
