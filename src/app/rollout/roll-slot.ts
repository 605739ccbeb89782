import { EngineError, isAway } from '../../core/model/engine-error.ts';
import { SwapError } from '../../core/model/error.ts';
import type { PinnedImage, PullPolicy } from '../../core/model/image.ts';
import type { ReplicaReport } from '../../core/report/report.ts';
import type { Desired } from '../../core/rollout/observed.ts';
import { wantedProxy } from '../../core/rollout/route.ts';
import type { HistoryEntry } from '../../core/service/labels.ts';
import { keepReference, slotNameOf, slotNames } from '../../core/service/names.ts';
import { groupServices } from '../../core/service/service.ts';
import { whyNoRules } from '../../core/traffic/kernel-layer.ts';
import { FOLLOWED, type RollTarget } from '../../core/update/roll-target.ts';
import type { Ports } from '../../ports/ports.ts';
import type { HeldLock } from '../lock/held-lock.ts';
import { replicaReport } from '../report/replica-report.ts';
import { engineClock } from '../select/engine-time.ts';
import { listed } from '../select/own.ts';
import { digestOf } from '../select/running-digest.ts';
import { noteMoved } from '../traffic/gap.ts';
import { runSlot } from './loop.ts';
import { prepareSlot } from './prepare.ts';
import type { PreparedSlot } from './prepared-slot.ts';
import type { SlotRun } from './slot-run.ts';
import { isRequired, noteLostPorts } from './steps/answered-ports.ts';
import { recordRejected } from './steps/remember.ts';

/** How a service is to be rolled, from whatever front. */
export interface RollOptions {
  /** The `traceparent` of the caller; without it, that of the process. */
  readonly traceparent?: string | undefined;
  readonly target: RollTarget;
  readonly pull: PullPolicy;
  readonly force: boolean;
  readonly overrides: Readonly<Record<string, string>>;
  /** Files of the incumbent that the candidate is to get. */
  readonly carry?: readonly string[] | undefined;
  /** Id of the image whose volume backup is to be restored. */
  readonly volumesOf?: string | undefined;
  readonly event: HistoryEntry['event'];
  /** True: reject the replaced image from now on. */
  readonly rejectLeft: boolean;
  /** Services of the same command that it has not rolled yet. */
  readonly alongside?: readonly string[] | undefined;
  /** The lock, if the caller holds it, and releases it. */
  readonly heldLock?: HeldLock | undefined;
  /** The id of the roll, if the caller chose it; labels carry it. */
  readonly roll?: string | undefined;
  readonly signal: AbortSignal;
}

/** The parts that the slots of one roll share. */
export interface RollContext {
  readonly ports: Ports;
  readonly service: string;
  readonly image: PinnedImage;
  readonly roll: string;
  readonly tagBefore: string | undefined;
  readonly heldLock: HeldLock;
  readonly options: RollOptions;
}

/** Rolls one slot and reports it; an error is in the report, not raised. */
export async function rollSlot(context: RollContext, slot: PreparedSlot): Promise<ReplicaReport> {
  const { ports } = context;
  const began = ports.clock.now();
  ports.report({ kind: 'slot', slot: slot.slotName, strategy: slot.choice.strategy, because: slot.choice.because });
  for (const note of slot.memory.notes) ports.report({ kind: 'note', text: `${slot.slotName}: ${note}` });
  const run = await slotRun(context, slot);
  let error: SwapError | undefined;
  try {
    error = (await runSlot(run)).error;
  } catch (raised) {
    error = inTheMiddle(raised, slot.slotName);
  }
  await noteStray(context, slot);
  if (!error) await noteLostPorts(run);
  if (!error && context.options.rejectLeft) await rejectLeft(run, slot).catch((raised) => noteForgotten(run, raised));
  return replicaReport(run, slot, error, ports.clock.now() - began);
}

/**
 * The error of a slot's roll, for its report. If the engine fails during an observation, the slot stays as it is: it may be fine,
 * but a user has to look.
 */
export function inTheMiddle(raised: unknown, slotName: string): SwapError {
  if (raised instanceof SwapError) return raised;
  if (!(raised instanceof EngineError)) throw raised;
  const message = `the engine failed in the middle of the roll of ${slotName}: ${raised.message}`;
  const first = isAway(raised) ? 'once it answers' : 'once that is fixed';
  return new SwapError('attention', message, {
    hint: `${first}, run swapctl recover to finish or undo the roll`,
    cause: raised,
  });
}

// Under another name the container no longer belongs to the slot, and keeps running.
async function noteStray({ ports }: RollContext, { slotName, container }: PreparedSlot): Promise<void> {
  const old = await ports.engine.container(container.id).catch(() => undefined);
  if (!old || slotNameOf(old.name) === slotName) return;
  const text = `${slotName}: a user renamed the old container to ${old.name}; swapctl leaves that container as it is (${old.status})`;
  ports.report({ kind: 'note', text });
}

function noteForgotten(run: SlotRun, raised: unknown): void {
  if (!(raised instanceof EngineError)) throw raised;
  const text = `${run.names.slotName}: an unattended roll may go back to the image that was rolled back, since the engine failed: ${raised.message}`;
  run.ports.report({ kind: 'note', text });
}

async function rejectLeft(run: SlotRun, slot: PreparedSlot): Promise<void> {
  const { container } = slot;
  if (container.imageId === run.desired.image.id) return;
  await recordRejected(run, container, await digestOf(run, container));
}

/** Assembles the run over one slot. */
export async function slotRun(
  context: RollContext,
  slot: PreparedSlot,
  successors: ReadonlyMap<string, string> = new Map(),
): Promise<SlotRun> {
  const { ports, options } = context;
  const now = await engineClock(ports);
  return {
    ports,
    names: slotNames(slot.slotName),
    service: context.service,
    policy: slot.policy,
    desired: desiredOf(context, slot),
    event: options.event,
    dependents: slot.dependents,
    predecessors: slot.predecessors,
    inlineFiles: slot.inlineFiles,
    composeHooks: slot.composeHooks,
    answered: answeredIn(context, slot),
    successors,
    signal: options.signal,
    lost: context.heldLock.lost,
    confirmLock: context.heldLock.confirm,
    movesTraffic: slot.kernel.available,
    gates: whyNoRules(slot.kernel, 'gate') === undefined,
    forwards: whyNoRules(slot.kernel, 'address redirect') === undefined,
    proxy: slot.proxy,
    images: slot.images,
    memory: slot.memory,
    now,
    moveDependents: (names, from, to) => moveDependents(context, slot.memory, names, from, to),
  };
}

// The same image listens on the same ports.
function answeredIn(
  { image, options }: RollContext,
  { container, policy, answered }: PreparedSlot,
): SlotRun['answered'] {
  const ports = container.imageId === image.id ? [] : answered.ports;
  return { ports, required: isRequired(policy, options.event) };
}

/** The desired state of a slot in a roll. */
export function desiredOf(
  context: Pick<RollContext, 'ports' | 'image' | 'roll' | 'service' | 'tagBefore' | 'options'>,
  slot: PreparedSlot,
): Desired {
  return {
    image: context.image,
    roll: context.roll,
    force: context.options.force,
    // The image ran here before, so it is proven; and a rollback is urgent.
    choice: context.options.event === 'rolled-back' ? { ...slot.choice, rehearse: false } : slot.choice,
    keepReference: keepReference(context.service, slot.container.imageId, context.ports.host.sha256),
    tagBefore: context.tagBefore === context.image.id ? undefined : context.tagBefore,
    backup: slot.backup,
    checksStart: slot.checksStart,
    engineVerdict: slot.engineVerdict,
    proxy: wantedProxy(slot.proxy, slot.policy),
    canary: slot.proxy ? undefined : slot.policy.canary,
    back: context.options.event === 'rolled-back',
  };
}

/**
 * Re-creates containers in the namespaces of a replaced one (or linked to it) with their own image, to share with its successor:
 * the same loop, forced, on another slot. First ends the moves that an engine failure interrupted (`memory.moving`).
 */
export async function moveDependents(
  context: Pick<RollContext, 'ports' | 'heldLock' | 'options'>,
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
      // The next observation shows the owner that it lives with in the end.
      await endMove(memory, name);
      continue;
    }
    const all = await listed(ports.engine);
    const members = all.filter((container) => container.name === name);
    const service = groupServices(all).find((one) => one.slots.some(({ slotName }) => slotName === name))?.key ?? name;
    // In the PID namespace of a container that was stopped, the kernel has killed it as well.
    const options = { overrides: {}, target: FOLLOWED, successors, fell: true };
    const slot = await prepareSlot(ports, service, { slotName: name, members }, all, options);
    moving.set(name, await moveOf(context, service, slot, successors));
    await endMove(memory, name);
  }
}

// If the engine fails in the middle, the move stays half done, and the same run continues later.
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
  context: Pick<RollContext, 'ports' | 'heldLock' | 'options'>,
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
    // The dependent keeps its image, and no other version writes its data. Its start was checked before its owner was replaced;
    // now the roll can't go back.
    {
      ...slot,
      backup: NO_BACKUP,
      checksStart: false,
      choice: { ...slot.choice, strategy: 'stop-first', rehearse: false },
    },
    successors,
  );
}

// By its id if its reference means another image by now: the dependent must not get a newer image, and its tag must not move even
// for a moment, since the roll may die then.
async function asItIs(ports: Ports, { container, follows }: PreparedSlot): Promise<PinnedImage> {
  const { imageId: id, config } = container;
  const reference = config.Image ?? follows.text;
  const named = await ports.engine.image(reference);
  return { follows: named === undefined || named.id === id ? reference : id, id, digest: undefined };
}
