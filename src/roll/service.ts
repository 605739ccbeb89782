import type { Container, ContainerSummary } from '../core/container.ts';
import { EngineError } from '../core/engine-error.ts';
import { fail, SwapError } from '../core/error.ts';
import { digestsFor, type PinnedImage, type PullPolicy } from '../core/image.ts';
import type { HistoryEntry } from '../core/labels.ts';
import { keepReference, slotNames } from '../core/names.ts';
import type { Desired } from '../core/observed.ts';
import { knownBad, knownFailure } from '../core/plan.ts';
import { isImageId } from '../core/reference.ts';
import {
  type ReplicaReport,
  type ReportedError,
  type ServiceReport,
  type Side,
  summarize,
  type Timings,
} from '../core/report.ts';
import { groupServices, type Service } from '../core/service.ts';
import type { Ports } from '../ports.ts';
import { alreadyRuns, fetchImage, type Resolved, resolveImage } from './image.ts';
import { type Lease, takeLease } from './lease.ts';
import { imageOf, stateOf } from './observe.ts';
import { type PreparedSlot, prepareService, prepareSlot } from './prepare.ts';
import { rememberCondemned } from './remember.ts';
import { retireOldImages } from './retain.ts';
import { runSlot } from './run.ts';
import type { SlotRun } from './slot-run.ts';

export interface RollOptions {
  /** Roll to this reference instead of the followed one. */
  readonly image: string | undefined;
  /** Roll to this very image, without asking any registry (rollback). */
  readonly target: PinnedImage | undefined;
  readonly pull: PullPolicy;
  readonly force: boolean;
  readonly overrides: Readonly<Record<string, string>>;
  readonly event: HistoryEntry['event'];
  /** Remember the image that was left as one that is not to be tried again. */
  readonly condemn: boolean;
  readonly signal: AbortSignal;
}

/** Rolls every replica of a service, one slot after the other; the first that fails stops it and those before go back. */
export async function rollService(
  ports: Ports,
  service: Service,
  all: readonly ContainerSummary[],
  options: RollOptions,
): Promise<ServiceReport> {
  const began = ports.clock.now();
  const slots = await prepareService(ports, service, all, options);
  const resolved = await resolve(ports, slots, options);
  if (!options.force && (await allRun(ports, slots, resolved))) return unchanged(ports, service, slots, began);
  refuseKnownBad(slots, resolved, options);
  const lease = await takeLease(ports, service.key, [...slots.map((slot) => slot.container.imageId), resolved.follows]);
  try {
    return await rollLocked(ports, service, slots, resolved, lease, options, began);
  } finally {
    await lease.release();
  }
}

async function rollLocked(
  ports: Ports,
  service: Service,
  slots: readonly PreparedSlot[],
  resolved: Resolved,
  lease: Lease,
  options: RollOptions,
  began: number,
): Promise<ServiceReport> {
  const [first] = slots;
  if (!first) return fail('not-found', `${service.key} has no replica`);
  const pulling = ports.clock.now();
  const tagBefore = (await ports.engine.image(resolved.follows))?.id;
  const image =
    options.target ??
    (await fetchImage(
      ports,
      resolved,
      await imageOf({ ports, memory: first.memory }, first.container.imageId),
      options.signal,
    ));
  const pullMs = ports.clock.now() - pulling;
  const roll = ports.host.randomId();
  const context = { ports, service: service.key, image, roll, tagBefore, lease, options };
  const reports: ReplicaReport[] = [];
  for (const slot of slots) {
    const report = await rollSlot(context, slot);
    reports.push(report);
    if (report.error) break;
  }
  if (reports.some((report) => report.error)) await takeBack(context, slots, reports);
  else await retireOldImages(ports, service.key, slots);
  return summarize(service.key, reports, pullMs, ports.clock.now() - began);
}

/** What the slots of one roll have in common. */
export interface RollContext {
  readonly ports: Ports;
  readonly service: string;
  readonly image: PinnedImage;
  readonly roll: string;
  readonly tagBefore: string | undefined;
  readonly lease: Lease;
  readonly options: RollOptions;
}

/** Rolls one slot and reports it; an error is in the report, not raised. */
export async function rollSlot(context: RollContext, slot: PreparedSlot): Promise<ReplicaReport> {
  const { ports } = context;
  const began = ports.clock.now();
  ports.report({ kind: 'slot', slot: slot.home, way: slot.choice.way, because: slot.choice.because });
  const run = await slotRun(context, slot);
  let error: SwapError | undefined;
  try {
    error = (await runSlot(run)).error;
  } catch (raised) {
    error = inTheMiddle(raised, slot.home);
  }
  if (!error && context.options.condemn) await condemn(run, slot);
  return replicaReport(run, slot, error, ports.clock.now() - began);
}

// An engine that fails while a slot is looked at leaves it as it is: nothing is known to be wrong, but somebody has to
// look.
function inTheMiddle(raised: unknown, home: string): SwapError {
  if (raised instanceof SwapError) return raised;
  if (!(raised instanceof EngineError)) throw raised;
  const message = `the engine failed in the middle of the roll of ${home}: ${raised.message}`;
  return new SwapError('attention', message, {
    hint: 'once it answers, swapctl recover finishes or undoes it',
    cause: raised,
  });
}

async function condemn(run: SlotRun, slot: PreparedSlot): Promise<void> {
  const { container } = slot;
  if (container.imageId === run.desired.image.id) return;
  await rememberCondemned(run, container, await digestOf(run.ports, slot, container), run.desired.image.id);
}

/** Assembles what a run over one slot works with. */
export async function slotRun(
  context: RollContext,
  slot: PreparedSlot,
  successors: ReadonlyMap<string, string> = new Map(),
): Promise<SlotRun> {
  const { ports, options } = context;
  const facts = await ports.engine.facts();
  return {
    ports,
    names: slotNames(slot.home),
    service: context.service,
    policy: slot.policy,
    desired: desiredOf(context, slot),
    event: options.event,
    dependents: slot.dependents,
    inlineFiles: slot.inlineFiles,
    successors,
    signal: options.signal,
    lost: context.lease.lost,
    gates: slot.kernel.available,
    memory: slot.memory,
    now: () => ports.clock.now() + facts.clockOffsetMs,
    moveDependents: (names, from, to) => moveDependents(context, names, from, to),
  };
}

/** What is wanted of a slot in a roll. */
export function desiredOf(
  context: Pick<RollContext, 'image' | 'roll' | 'service' | 'tagBefore' | 'options'>,
  slot: PreparedSlot,
): Desired {
  return {
    image: context.image,
    roll: context.roll,
    force: context.options.force,
    // What ran here before is proven; who goes back is in a hurry.
    choice: context.options.event === 'rolled-back' ? { ...slot.choice, rehearse: false } : slot.choice,
    keepReference: keepReference(context.service, slot.container.imageId),
    tagBefore: context.tagBefore === context.image.id ? undefined : context.tagBefore,
    back: context.options.event === 'rolled-back',
  };
}

/**
 * Re-creates containers that live in the namespaces of one that was replaced (or are linked to it) as they are, with their
 * own image, to share with its successor: the same loop, forced, on another slot.
 */
export async function moveDependents(
  context: Pick<RollContext, 'ports' | 'lease' | 'options'>,
  names: readonly string[],
  from: string,
  to: string,
): Promise<void> {
  const { ports } = context;
  const fromName = (await ports.engine.container(from))?.name ?? from;
  const successors = new Map([
    [from, to],
    [fromName, to],
  ]);
  for (const name of names) {
    const all = await ports.engine.list();
    const members = all.filter((container) => container.name === name);
    const slot = await prepareSlot(ports, { home: name, members }, all, { overrides: {}, image: undefined });
    const service = groupServices(all).find((one) => one.slots.some(({ home }) => home === name))?.key ?? name;
    await moveDependent(context, service, slot, successors);
  }
}

async function moveDependent(
  context: Pick<RollContext, 'ports' | 'lease' | 'options'>,
  service: string,
  slot: PreparedSlot,
  successors: ReadonlyMap<string, string>,
): Promise<void> {
  const { ports } = context;
  const options: RollOptions = { ...context.options, force: true, signal: new AbortController().signal };
  const nested: RollContext = {
    ...context,
    service,
    image: await asItIs(ports, slot),
    roll: ports.host.randomId(),
    tagBefore: undefined,
    options,
  };
  const run = await slotRun(
    nested,
    { ...slot, choice: { ...slot.choice, way: 'stop-first', rehearse: false } },
    successors,
  );
  const { error } = await runSlot(run);
  if (error) throw error;
}

// By its id where its reference means another image by now: a newer one it was not asked to run, and the tag is not ours
// to move, not even for a moment, since a roll may die in it.
async function asItIs(ports: Ports, { container, follows }: PreparedSlot): Promise<PinnedImage> {
  const { imageId: id, config } = container;
  const reference = config.Image ?? follows;
  const named = await ports.engine.image(reference);
  return { follows: named === undefined || named.id === id ? reference : id, id, digest: undefined };
}

// One replica failed after others were rolled: the service is not left with two versions.
async function takeBack(context: RollContext, slots: readonly PreparedSlot[], reports: ReplicaReport[]): Promise<void> {
  const done = reports.flatMap((report, at) => (report.outcome === 'rolled' ? [{ report, at }] : []));
  for (const { at } of done.reverse()) {
    const slot = slots[at];
    if (!slot) continue;
    context.ports.report({
      kind: 'note',
      text: `${slot.home} goes back to the old image, since a later replica failed`,
    });
    const end = await rollBack(context, slot);
    const report = reports[at];
    if (report)
      reports[at] = {
        ...report,
        outcome: end.error ? 'failed' : 'rolled-back',
        ...(end.error ? { error: end.error } : {}),
      };
  }
}

async function rollBack(context: RollContext, slot: PreparedSlot): Promise<ReplicaReport> {
  const { ports, options } = context;
  const all = await ports.engine.list();
  const members = all.filter((container) => container.name === slot.home);
  const now = await prepareSlot(ports, { home: slot.home, members }, all, options);
  const image = { follows: slot.container.config.Image ?? slot.follows, id: slot.container.imageId, digest: undefined };
  const back: RollOptions = {
    ...options,
    force: true,
    event: 'rolled-back',
    condemn: false,
    signal: new AbortController().signal,
  };
  return rollSlot({ ...context, image, roll: ports.host.randomId(), tagBefore: undefined, options: back }, now);
}

async function resolve(ports: Ports, slots: readonly PreparedSlot[], options: RollOptions): Promise<Resolved> {
  const [first] = slots;
  if (!first) return fail('not-found', 'the service has no replica');
  if (options.target === undefined)
    return resolveImage(ports, first.follows, options.pull, first.container, options.signal);
  const image = await ports.engine.image(options.target.id);
  if (image) return { kind: 'local', follows: options.target.follows, image };
  return fail('no-such-image', `the image ${options.target.id} is not on the engine any more`);
}

async function allRun(ports: Ports, slots: readonly PreparedSlot[], resolved: Resolved): Promise<boolean> {
  for (const { container, memory } of slots) {
    const image = await imageOf({ ports, memory }, container.imageId);
    if (alreadyRuns(container, image, resolved) !== true) return false;
  }
  return true;
}

// Known before it is pulled, where the registry's digest is the one that failed.
function refuseKnownBad(slots: readonly PreparedSlot[], resolved: Resolved, options: RollOptions): void {
  if (options.force) return;
  const image = resolved.kind === 'local' ? { id: resolved.image.id, digest: undefined } : { digest: resolved.digest };
  for (const { failures } of slots) {
    const failure = knownFailure(failures, image);
    if (failure) throw knownBad(failure);
  }
}

async function unchanged(
  ports: Ports,
  service: Service,
  slots: readonly PreparedSlot[],
  began: number,
): Promise<ServiceReport> {
  const reports = await Promise.all(
    slots.map(async (slot): Promise<ReplicaReport> => {
      const from = await sideOf(ports, slot, slot.home);
      return { slot: slot.home, outcome: 'unchanged', ...(from ? { from, to: from } : {}), timings: { total: 0 } };
    }),
  );
  return summarize(service.key, reports, undefined, ports.clock.now() - began);
}

async function replicaReport(
  run: SlotRun,
  slot: PreparedSlot,
  error: SwapError | undefined,
  totalMs: number,
): Promise<ReplicaReport> {
  const from = await sideOf(run.ports, slot, slot.container.id);
  const to = error ? from : await sideOf(run.ports, slot, slot.home);
  const left = run.memory.drained.get(slot.container.id);
  const changed = to !== undefined && to.container !== from?.container;
  const success = run.event === 'rolled-back' ? 'rolled-back' : 'rolled';
  return {
    slot: slot.home,
    outcome: error ? 'failed' : changed ? success : 'unchanged',
    strategy: slot.choice.way,
    because: slot.choice.because,
    ...(from ? { from } : {}),
    ...(to ? { to } : {}),
    timings: timings(run, totalMs),
    ...(left === undefined ? {} : { connectionsLeft: left }),
    ...(error ? { error: told(error, slot) } : {}),
  };
}

// The planner says what a container did; here is said which one, and what is true now.
function told(error: SwapError, slot: PreparedSlot): ReportedError {
  const { code, message, hint } = error;
  if (code !== 'not-healthy' && code !== 'cannot-start') return { code, message, ...(hint ? { hint } : {}) };
  const next =
    code === 'not-healthy'
      ? 'mend the image; this one is not tried again, unless with --force'
      : 'this is not the fault of the image: mend what it says, and roll again';
  return { code, message: `the new container of ${slot.home} failed: ${message}`, hint: next };
}

async function digestOf(ports: Ports, slot: PreparedSlot, container: Container): Promise<string | undefined> {
  const state = await stateOf({ ports, memory: slot.memory }, container);
  const image = await imageOf({ ports, memory: slot.memory }, container.imageId);
  const reference = container.config.Image ?? '';
  return state?.digest ?? (image && !isImageId(reference) ? digestsFor(image, reference)[0] : undefined);
}

async function sideOf(ports: Ports, slot: PreparedSlot, container: string): Promise<Side | undefined> {
  const known = container === slot.container.id ? slot.container : await ports.engine.container(container);
  if (!known) return undefined;
  const digest = (await digestOf(ports, slot, known)) ?? known.imageId;
  return { container: known.id.slice(0, 12), image: known.config.Image ?? '', digest };
}

function timings(run: SlotRun, total: number): Timings {
  const { times } = run.memory;
  const parts = {
    start: ['create', 'start', 'copy-files'],
    healthy: ['await-healthy'],
    switch: ['rename'],
    drain: ['drain'],
    stop: ['stop'],
  };
  const measured = Object.entries(parts).flatMap(([part, kinds]) => {
    const ms = kinds.reduce((sum, kind) => sum + (times.get(kind) ?? 0), 0);
    return kinds.some((kind) => times.has(kind)) ? [[part, Math.round(ms)]] : [];
  });
  return { ...Object.fromEntries(measured), total: Math.round(total) };
}
