import type { ContainerSummary } from '../../core/model/container.ts';
import { EngineError } from '../../core/model/engine-error.ts';
import { fail } from '../../core/model/error.ts';
import type { PinnedImage } from '../../core/model/image.ts';
import { type ReplicaReport, type ServiceReport, summarize } from '../../core/report/report.ts';
import type { ReportedError } from '../../core/report/reported-error.ts';
import { membersOf } from '../../core/service/ownership.ts';
import type { Service } from '../../core/service/service.ts';
import type { CheckedTarget } from '../../core/update/roll-target.ts';
import type { Ports } from '../../ports/ports.ts';
import { withNotDone } from '../compose/beside.ts';
import { runOneShots } from '../compose/one-shots.ts';
import { withRestarts } from '../compose/restart-dependents.ts';
import { withSameTag } from '../compose/same-tag.ts';
import { buildCommit } from '../image/commit.ts';
import { fetchImage } from '../image/image.ts';
import type { Resolved } from '../image/resolved.ts';
import { retireCopies, retireOldImages, retireUnlessHalfDone } from '../image/retain.ts';
import { guarded } from '../lock/guard.ts';
import type { HeldLock } from '../lock/held-lock.ts';
import { noteLost } from '../report/lost-replicas.ts';
import { failedReport, unchangedReport } from '../report/replica-report.ts';
import { traced } from '../report/trace.ts';
import { imageOf, listed } from '../select/own.ts';
import { rollByHelper, runsIn } from '../update/self-update.ts';
import { lockFor, lookBeforeLock } from './before-lock.ts';
import { prepareSlot } from './prepare.ts';
import type { PreparedSlot } from './prepared-slot.ts';
import { inTheMiddle, type RollContext, type RollOptions, rollSlot } from './roll-slot.ts';

/** Rolls every replica of a service, one slot after the other; the first failure stops the roll, and earlier replicas go back. */
export function rollService(
  ports: Ports,
  service: Service,
  all: readonly ContainerSummary[],
  options: RollOptions,
): Promise<ServiceReport> {
  return traced(ports, service.key, options.traceparent, (own) => rollAll(own, service, all, options));
}

async function rollAll(
  ports: Ports,
  service: Service,
  all: readonly ContainerSummary[],
  options: RollOptions,
): Promise<ServiceReport> {
  const began = ports.clock.now();
  const looked = await lookBeforeLock(ports, service, all, options);
  const { slots, resolved } = looked;
  if (looked.isUnchanged) return unchanged(ports, service, slots, began);
  if (runsIn(ports, service)) {
    const image = await imageFor(ports, service, slots, resolved, options);
    return rollByHelper(ports, service, slots, image, options);
  }
  const roll = options.roll ?? ports.host.randomId();
  const heldLock = options.heldLock ?? (await lockFor(ports, service, looked, { roll }));
  try {
    return await rollLocked(guarded(ports, heldLock), service, slots, resolved, heldLock, { ...options, roll }, began);
  } finally {
    if (!options.heldLock) await heldLock.release();
  }
}

async function rollLocked(
  ports: Ports,
  service: Service,
  slots: readonly PreparedSlot[],
  resolved: Resolved,
  heldLock: HeldLock,
  options: RollOptions & { readonly roll: string },
  began: number,
): Promise<ServiceReport> {
  const [first] = slots;
  if (!first) return fail('not-found', `${service.key} has no replica`);
  if (options.target.kind === 'checked') await refuseMoved(ports, service, options.target);
  const pulling = ports.clock.now();
  const tagBefore = (await ports.engine.image(resolved.follows.text))?.id;
  const image = await imageFor(ports, service, slots, resolved, options);
  const pullMs = ports.clock.now() - pulling;
  const { roll } = options;
  const context = { ports, service: service.key, image, roll, tagBefore, heldLock, options };
  if (options.event === 'rolled') await runOneShots(ports, first, { image, roll, signal: options.signal });
  const reports: ReplicaReport[] = [];
  for (const slot of keepingCopies(slots)) {
    const report = await rollNext(context, slot, reports.length);
    reports.push(report);
    if (report.error) break;
  }
  if (reports.some((report) => report.error)) {
    await takeBack(context, slots, reports);
    // A running image no longer needs to be retained.
    await retireUnlessHalfDone(ports, service.key);
  } else {
    await noteLost(
      ports,
      slots.slice(0, -1).map(({ slotName }) => slotName),
    );
    await retire(ports, service, slots).catch((error) => noteRetained(ports, service, error));
  }
  const report = summarize(service.key, reports, pullMs, ports.clock.now() - began);
  const told = await withNotDone(ports, await withRestarts(ports, report), first);
  return withSameTag(ports, told, image.follows, options.alongside);
}

// Replicas that were rolled go back if a later one fails, and then need the backups of their volumes.
function keepingCopies(slots: readonly PreparedSlot[]): readonly PreparedSlot[] {
  if (slots.length === 1) return slots;
  return slots.map((slot) => ({ ...slot, backup: { ...slot.backup, keep: Math.max(1, slot.backup.keep) } }));
}

async function retire(ports: Ports, service: Service, slots: readonly PreparedSlot[]): Promise<void> {
  if (slots.length > 1) for (const slot of slots) await retireCopies(ports, slot);
  await retireOldImages(ports, service.key, slots);
}

async function imageFor(
  ports: Ports,
  service: Service,
  slots: readonly PreparedSlot[],
  resolved: Resolved,
  { target, signal }: RollOptions,
): Promise<PinnedImage> {
  if (target.kind === 'local') return target.image;
  if (resolved.kind === 'commit') return buildCommit(ports, service.key, slots, resolved, signal);
  const [first] = slots;
  const before = first && (await imageOf({ ports, images: first.images }, first.container.imageId));
  return fetchImage(ports, resolved, before, signal);
}

// The roll is done, even if its old images can't be cleaned up.
function noteRetained(ports: Ports, service: Service, error: unknown): void {
  if (!(error instanceof EngineError)) throw error;
  const text = `${service.key}: old images and copies stay until the next roll, since the engine failed: ${error.message}`;
  ports.report({ kind: 'note', text });
}

// Once a replica was rolled, "nothing was touched" would be wrong for an engine failure.
function rollNext(context: RollContext, slot: PreparedSlot, before: number): Promise<ReplicaReport> {
  const rolling = rollSlot(context, slot);
  return before === 0 ? rolling : rolling.catch((raised) => failedReport(slot, inTheMiddle(raised, slot.slotName)));
}

// One replica failed after others were rolled: the service must not keep two versions. If the failed one needs attention it may
// not serve, so the others stay rolled; recover converges the replicas.
async function takeBack(context: RollContext, slots: readonly PreparedSlot[], reports: ReplicaReport[]): Promise<void> {
  if (needAttention(reports)) return;
  // An undone rollback is reversed, too.
  const done = reports.flatMap(({ outcome }, at) => (outcome === 'rolled' || outcome === 'rolled-back' ? [at] : []));
  for (const at of done.reverse()) {
    const slot = slots[at];
    if (!slot) continue;
    context.ports.report({
      kind: 'note',
      text: `${slot.slotName} goes back to the old image, since a later replica failed`,
    });
    const end = await rollBack(context, slot).catch((raised) => failedReport(slot, inTheMiddle(raised, slot.slotName)));
    const report = reports[at];
    const outcome = end.error ? 'failed' : 'rolled-back';
    if (report)
      reports[at] = { ...report, outcome, ...(end.error ? { error: notBack(end.error, slot.slotName) } : {}) };
    if (needAttention(reports)) return;
  }
  await tagBack(context, slots).catch((error) => noteMoved(context, error));
}

// A replica that could not go back runs the new image while others run the old one.
function notBack(error: ReportedError, slotName: string): ReportedError {
  if (error.code === 'attention') return error;
  return {
    ...error,
    code: 'attention',
    message: `${slotName} could not go back to the old image: ${error.message}`,
    state: 'half-done',
    hint: `${slotName} runs the new image and later replicas run the old image: swapctl recover brings all to the same version`,
  };
}

function needAttention(reports: readonly ReplicaReport[]): boolean {
  return reports.some(({ error }) => error?.code === 'attention');
}

// The tag was on the user's own build before the roll: the rollback of each slot has moved it.
async function tagBack({ ports, image, tagBefore }: RollContext, slots: readonly PreparedSlot[]): Promise<void> {
  const now = await ports.engine.image(image.follows);
  const isMoved = slots.some(({ container }) => container.imageId === now?.id);
  if (tagBefore !== undefined && tagBefore !== now?.id && isMoved) await ports.engine.tag(tagBefore, image.follows);
}

function noteMoved({ ports, image: { follows } }: RollContext, error: unknown): void {
  if (!(error instanceof EngineError)) throw error;
  const text = `the local tag ${follows} stays on the old image, since the engine failed: ${error.message}`;
  ports.report({ kind: 'note', text });
}

async function rollBack(context: RollContext, slot: PreparedSlot): Promise<ReplicaReport> {
  const { ports, options } = context;
  const all = await listed(ports.engine);
  const members = membersOf(all, slot.slotName);
  const volumesOf = slot.backup.volumes.length > 0 ? slot.container.imageId : undefined;
  const now = await prepareSlot(ports, context.service, { slotName: slot.slotName, members }, all, {
    ...options,
    volumesOf,
  });
  const image = {
    follows: slot.container.config.Image ?? slot.follows.text,
    id: slot.container.imageId,
    digest: undefined,
  };
  const back: RollOptions = {
    ...options,
    force: true,
    event: 'rolled-back',
    rejectLeft: false,
    signal: new AbortController().signal,
  };
  return rollSlot({ ...context, image, roll: ports.host.randomId(), tagBefore: undefined, options: back }, now);
}

async function unchanged(
  ports: Ports,
  service: Service,
  slots: readonly PreparedSlot[],
  began: number,
): Promise<ServiceReport> {
  const reports = await Promise.all(slots.map((slot) => unchangedReport(ports, slot)));
  return summarize(service.key, reports, undefined, ports.clock.now() - began);
}

// Between the check and the lock somebody else may have rolled it to what is newer still: never backwards.
async function refuseMoved(ports: Ports, service: Service, { over }: CheckedTarget): Promise<void> {
  for (const { slotName } of service.slots) {
    const now = await ports.engine.container(slotName);
    if (now && over.includes(now.imageId)) continue;
    fail('busy', `another process changed ${slotName} after the check`, { hint: 'the next check sees the change' });
  }
}
