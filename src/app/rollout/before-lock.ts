import { knownFailure, rejectedBefore } from '../../core/health/failures.ts';
import type { ContainerSummary } from '../../core/model/container.ts';
import { fail } from '../../core/model/error.ts';
import type { Service } from '../../core/service/service.ts';
import type { Ports } from '../../ports/ports.ts';
import { alreadyRuns } from '../image/image.ts';
import { noteTag } from '../image/moved-tag.ts';
import type { Resolved } from '../image/resolved.ts';
import { resolveTarget } from '../image/wanted.ts';
import { type HeldLock, type LockNote, takeLock } from '../lock/held-lock.ts';
import { imageOf } from '../select/own.ts';
import { refuseOwned } from '../select/owned.ts';
import { prepareService } from './prepare.ts';
import type { PreparedSlot } from './prepared-slot.ts';
import type { RollOptions } from './roll-slot.ts';

/** The state of a service and its desired image before the lock is taken. */
export interface Looked {
  readonly slots: readonly PreparedSlot[];
  readonly resolved: Resolved;
  readonly all: readonly ContainerSummary[];
  /** All replicas run the image already. */
  readonly isUnchanged: boolean;
}

/** Inspects a service and its desired image. Raises every objection to the roll; changes nothing. */
export async function lookBeforeLock(
  ports: Ports,
  service: Service,
  all: readonly ContainerSummary[],
  options: RollOptions,
): Promise<Looked> {
  const slots = await prepareService(ports, service, all, options);
  const resolved = await resolve(ports, slots, options);
  const isUnchanged = !options.force && (await allRun(ports, slots, resolved));
  if (!isUnchanged) {
    refuseRejected(slots, resolved, options);
    await refuseOwned(ports, service.key, slots, all, options.force);
  }
  return { slots, resolved, all, isUnchanged };
}

/** Takes the lock of a service, with a note that lets other processes undo the roll. */
export async function lockFor(
  ports: Ports,
  { key }: Service,
  { slots, resolved, all }: Looked,
  more: LockNote,
): Promise<HeldLock> {
  const images = [...slots.map((slot) => slot.container.imageId), resolved.follows.text];
  const note = { ...more, ...(await noteTag(ports, resolved)), incumbents: incumbentsOf(slots, all) };
  return takeLock(ports, key, images, note);
}

// Includes their dependents, which the roll re-creates.
function incumbentsOf(slots: readonly PreparedSlot[], all: readonly ContainerSummary[]): string[] {
  const dependents = new Set(slots.flatMap((slot) => slot.dependents));
  return [
    ...slots.map(({ container }) => container.id),
    ...all.flatMap(({ id, name }) => (dependents.has(name) ? [id] : [])),
  ];
}

async function resolve(ports: Ports, slots: readonly PreparedSlot[], options: RollOptions): Promise<Resolved> {
  const [first] = slots;
  if (!first) return fail('not-found', 'the service has no replica');
  return resolveTarget(ports, first, options);
}

async function allRun(ports: Ports, slots: readonly PreparedSlot[], resolved: Resolved): Promise<boolean> {
  for (const { container, images } of slots) {
    const image = await imageOf({ ports, images }, container.imageId);
    if (alreadyRuns(container, image, resolved) !== true) return false;
  }
  return true;
}

// Refused before the pull, if the registry's digest is a rejected one.
function refuseRejected(slots: readonly PreparedSlot[], resolved: Resolved, options: RollOptions): void {
  if (options.force) return;
  const image = resolved.kind === 'local' ? { id: resolved.image.id, digest: undefined } : { digest: resolved.digest };
  for (const { failures } of slots) {
    const failure = knownFailure(failures, image);
    if (failure) throw rejectedBefore(failure);
  }
}
