import { EngineError, isAway } from '../../core/model/engine-error.ts';
import { SwapError } from '../../core/model/error.ts';
import type { PinnedImage, PullPolicy } from '../../core/model/image.ts';
import type { ReplicaReport } from '../../core/report/report.ts';
import type { Desired } from '../../core/rollout/observed.ts';
import { wantedProxy } from '../../core/rollout/route.ts';
import type { HistoryEntry } from '../../core/service/labels.ts';
import { homeOf, keepReference, slotNames } from '../../core/service/names.ts';
import { groupServices } from '../../core/service/service.ts';
import { whyNoRules } from '../../core/traffic/kernel-layer.ts';
import type { Ports } from '../../ports/ports.ts';
import type { Lease } from '../lock/lease.ts';
import { replicaReport } from '../report/replica-report.ts';
import { listed } from '../select/own.ts';
import { digestOf } from '../select/running-digest.ts';
import { noteMoved } from '../traffic/gap.ts';
import { runSlot } from './loop.ts';
import { prepareSlot } from './prepare.ts';
import type { PreparedSlot } from './prepared-slot.ts';
import type { SlotRun } from './slot-run.ts';
import { isRequired, noteLostPorts } from './steps/answered-ports.ts';
import { rememberCondemned } from './steps/remember.ts';

/** What a check found: the digest of a reference (or the id of an image that was built here), and what ran then. */
export interface Found {
  readonly reference: string;
  readonly digest: string;
  /** Ids of the images of all replicas. */
  readonly over: readonly string[];
}

/** How a service is to be rolled, from whatever front. */
export interface RollOptions {
  /** The `traceparent` of the caller; without it, that of the process. */
  readonly traceparent?: string | undefined;
  /** Roll to this reference instead of the followed one. */
  readonly image: string | undefined;
  /** Roll to this very image, without asking any registry (rollback). */
  readonly target: PinnedImage | undefined;
  /** Roll to this digest of the reference (or id of an image that was built here), whatever the tag means by now. */
  readonly digest?: string | undefined;
  /** Roll to what a check found, whatever the tag means by now. */
  readonly found?: Found | undefined;
  readonly pull: PullPolicy;
  readonly force: boolean;
  readonly overrides: Readonly<Record<string, string>>;
  /** Files of the old container that the new one is to have too. */
  readonly carry?: readonly string[] | undefined;
  /** Id of the image with which the volumes are to go back to what they were. */
  readonly volumesOf?: string | undefined;
  readonly event: HistoryEntry['event'];
  /** Remember the image that was left as one that is not to be tried again. */
  readonly condemn: boolean;
  /** Services that the same command rolls as well, and has not rolled yet. */
  readonly alongside?: readonly string[] | undefined;
  /** The lock, where the caller holds it, and gives it back. */
  readonly lease?: Lease | undefined;
  /** The id of the roll, where the caller knows it already; labels carry it. */
  readonly roll?: string | undefined;
  readonly signal: AbortSignal;
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
  ports.report({ kind: 'slot', slot: slot.home, strategy: slot.choice.strategy, because: slot.choice.because });
  for (const note of slot.memory.notes) ports.report({ kind: 'note', text: `${slot.home}: ${note}` });
  const run = await slotRun(context, slot);
  let error: SwapError | undefined;
  try {
    error = (await runSlot(run)).error;
  } catch (raised) {
    error = inTheMiddle(raised, slot.home);
  }
  await noteStray(context, slot);
  if (!error) await noteLostPorts(run);
  if (!error && context.options.condemn) await condemn(run, slot).catch((raised) => tellForgotten(run, raised));
  return replicaReport(run, slot, error, ports.clock.now() - began);
}

/**
 * What was raised while a slot was rolled, for its report. An engine that fails while a slot is looked at leaves it as it is:
 * nothing is known to be wrong, but somebody has to look.
 */
export function inTheMiddle(raised: unknown, home: string): SwapError {
  if (raised instanceof SwapError) return raised;
  if (!(raised instanceof EngineError)) throw raised;
  const message = `the engine failed in the middle of the roll of ${home}: ${raised.message}`;
  const first = isAway(raised) ? 'once it answers' : 'once that is fixed';
  return new SwapError('attention', message, {
    hint: `${first}, run swapctl recover to finish or undo the roll`,
    cause: raised,
  });
}

// Under another name it is none of the slot's any more, and goes on running.
async function noteStray({ ports }: RollContext, { home, container }: PreparedSlot): Promise<void> {
  const old = await ports.engine.container(container.id).catch(() => undefined);
  if (!old || homeOf(old.name) === home) return;
  const text = `${home}: a user renamed the old container to ${old.name}; swapctl leaves that container as it is (${old.status})`;
  ports.report({ kind: 'note', text });
}

function tellForgotten(run: SlotRun, raised: unknown): void {
  if (!(raised instanceof EngineError)) throw raised;
  const text = `${run.names.home}: an unattended roll may go back to the image that was rolled back, since the engine failed: ${raised.message}`;
  run.ports.report({ kind: 'note', text });
}

async function condemn(run: SlotRun, slot: PreparedSlot): Promise<void> {
  const { container } = slot;
  if (container.imageId === run.desired.image.id) return;
  await rememberCondemned(run, container, await digestOf({ ports: run.ports, memory: slot.memory }, container));
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
    predecessors: slot.predecessors,
    inlineFiles: slot.inlineFiles,
    answered: answeredIn(context, slot),
    successors,
    signal: options.signal,
    lost: context.lease.lost,
    confirmLock: context.lease.confirm,
    movesTraffic: slot.kernel.available,
    gates: whyNoRules(slot.kernel, 'gate') === undefined,
    forwards: whyNoRules(slot.kernel, 'address redirect') === undefined,
    proxy: slot.proxy,
    memory: slot.memory,
    now: () => ports.clock.now() + facts.clockOffsetMs,
    moveDependents: (names, from, to) => moveDependents(context, slot.memory, names, from, to),
  };
}

// The same image listens as it did.
function answeredIn(
  { image, options }: RollContext,
  { container, policy, answered }: PreparedSlot,
): SlotRun['answered'] {
  const ports = container.imageId === image.id ? [] : answered.ports;
  return { ports, required: isRequired(policy, options.event) };
}

/** What is wanted of a slot in a roll. */
export function desiredOf(
  context: Pick<RollContext, 'ports' | 'image' | 'roll' | 'service' | 'tagBefore' | 'options'>,
  slot: PreparedSlot,
): Desired {
  return {
    image: context.image,
    roll: context.roll,
    force: context.options.force,
    // What ran here before is proven; who goes back is in a hurry.
    choice: context.options.event === 'rolled-back' ? { ...slot.choice, rehearse: false } : slot.choice,
    keepReference: keepReference(context.service, slot.container.imageId, context.ports.host.sha256),
    tagBefore: context.tagBefore === context.image.id ? undefined : context.tagBefore,
    backup: slot.backup,
    checksStart: slot.checksStart,
    engineVerdict: slot.engineVerdict,
    proxy: wantedProxy(slot.proxy, slot.policy),
    back: context.options.event === 'rolled-back',
  };
}

/**
 * Re-creates containers that live in the namespaces of one that was replaced (or are linked to it) as they are, with their
 * own image, to share with its successor: the same loop, forced, on another slot. Moves that an engine's failure broke off in the
 * middle (`memory.moving`) are ended first.
 */
export async function moveDependents(
  context: Pick<RollContext, 'ports' | 'lease' | 'options'>,
  memory: SlotRun['memory'],
  names: readonly string[],
  from: string,
  to: string,
): Promise<void> {
  const { ports } = context;
  const { moving } = memory;
  const fromName = (await ports.engine.container(from))?.name ?? from;
  const successors = new Map([
    [from, to],
    [fromName, to],
  ]);
  for (const name of names) {
    if (moving.has(name)) {
      // With whom it lives in the end is for the next look to say.
      await endMove(memory, name);
      continue;
    }
    const all = await listed(ports.engine);
    const members = all.filter((container) => container.name === name);
    const service = groupServices(all).find((one) => one.slots.some(({ home }) => home === name))?.key ?? name;
    // In the PID namespace of a container that was stopped, the kernel has killed it as well.
    const options = { overrides: {}, image: undefined, successors, fell: true };
    const slot = await prepareSlot(ports, service, { home: name, members }, all, options);
    moving.set(name, await moveOf(context, service, slot, successors));
    await endMove(memory, name);
  }
}

// An engine that fails in the middle leaves it half done, and whoever comes next goes on with the very same run.
async function endMove(memory: SlotRun['memory'], name: string): Promise<void> {
  const run = memory.moving.get(name);
  if (!run) return;
  const { error } = await runSlot(run);
  memory.moving.delete(name);
  noteMoved(memory, run.memory);
  if (error) throw error;
}

const NO_BACKUP = { volumes: [], keep: Infinity, fillFrom: undefined };

async function moveOf(
  context: Pick<RollContext, 'ports' | 'lease' | 'options'>,
  service: string,
  slot: PreparedSlot,
  successors: ReadonlyMap<string, string>,
): Promise<SlotRun> {
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
  return slotRun(
    nested,
    // Its image stays, and nobody has written anything that it does not know. That it can start was checked before its owner
    // was replaced; now there is no way back.
    {
      ...slot,
      backup: NO_BACKUP,
      checksStart: false,
      choice: { ...slot.choice, strategy: 'stop-first', rehearse: false },
    },
    successors,
  );
}

// By its id where its reference means another image by now: a newer one it was not asked to run, and the tag is not ours
// to move, not even for a moment, since a roll may die in it.
async function asItIs(ports: Ports, { container, follows }: PreparedSlot): Promise<PinnedImage> {
  const { imageId: id, config } = container;
  const reference = config.Image ?? follows;
  const named = await ports.engine.image(reference);
  return { follows: named === undefined || named.id === id ? reference : id, id, digest: undefined };
}
