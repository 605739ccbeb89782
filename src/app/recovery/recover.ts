import type { ContainerSummary } from '../../core/model/container.ts';
import { EngineError, isAway } from '../../core/model/engine-error.ts';
import { fail, messageOf, SwapError } from '../../core/model/error.ts';
import { toReported } from '../../core/report/reported-error.ts';
import type { RecoveredItem } from '../../core/report/status.ts';
import { wantedProxy } from '../../core/rollout/route.ts';
import { NO_HOOKS } from '../../core/service/compose-hooks.ts';
import type { StateLabels } from '../../core/service/labels.ts';
import { keepReference, lockName, slotNames } from '../../core/service/names.ts';
import { helperRole, refuseStrangers, strangersAmong } from '../../core/service/ownership.ts';
import { groupServices, type Service, type Slot } from '../../core/service/service.ts';
import { castRoles } from '../../core/service/slot.ts';
import { FOLLOWED } from '../../core/update/roll-target.ts';
import type { Ports } from '../../ports/ports.ts';
import { composeHooksOf } from '../compose/hooks.ts';
import { restartAfterRecovery } from '../compose/restart-dependents.ts';
import { retireUnlessHalfDone } from '../image/retain.ts';
import { endDeadLock } from '../lock/dead-lock.ts';
import { guarded } from '../lock/guard.ts';
import { type HeldLock, takeLock } from '../lock/held-lock.ts';
import { lockHeld } from '../lock/lock.ts';
import { recoveredProxy } from '../proxy/overlaid.ts';
import { dependentsEver } from '../rollout/dependents-ever.ts';
import { runSlot } from '../rollout/loop.ts';
import { inTheMiddle, moveDependents, type RollOptions } from '../rollout/roll-slot.ts';
import { freshMemory, type SlotRun } from '../rollout/slot-run.ts';
import { answeredInHalf } from '../rollout/steps/answered-ports.ts';
import { awaitedVerdict } from '../rollout/steps/awaited-verdict.ts';
import { chosenOf } from '../select/chosen.ts';
import { engineClock } from '../select/engine-time.ts';
import { lenient } from '../select/lenient.ts';
import { type ImageCache, imageCache, type Look, listed, stateOf } from '../select/own.ts';
import { lenientSettingsOf } from '../select/settings.ts';
import { distrustGates } from '../traffic/gate.ts';
import { kernelLayer } from '../traffic/kernel-layer.ts';
import { sweepRules } from '../traffic/sweep.ts';
import { convergeReplicas, isUnderWay, replicated } from './converge-replicas.ts';
import { concerns, type Half, halfDone, leftOthersBehind, reportRecovered, stillHalfDone } from './half-done.ts';
import { recallHeld } from './held.ts';
import { removeOrphans, servicesGone } from './orphans.ts';
import { adopted, endStops } from './stranded.ts';

/**
 * Finishes or undoes interrupted rolls of the named services, or of all, and removes orphaned helpers. Raises `not-found` and
 * `ambiguous`.
 */
export async function recover(
  ports: Ports,
  selectors: readonly string[],
  signal: AbortSignal,
): Promise<RecoveredItem[]> {
  const all = await listed(ports.engine);
  const named = selectors.length > 0 ? chosenOf(all, selectors, await servicesGone(ports, all)) : undefined;
  const isNamed = (key: string): boolean => named === undefined || named.some((service) => service.key === key);
  const items: RecoveredItem[] = [];
  for (const half of await halfDone(ports, all, isNamed)) {
    if (named && !named.some((service) => concerns(service, half))) continue;
    const item = await recovered(ports, half, all, signal);
    if (item) items.push(item);
  }
  for (const key of replicated(all).filter(isNamed)) {
    const unfinished = items.some(({ service, error }) => service === key && error);
    if (!unfinished) items.push(...(await convergeReplicas(ports, key, signal)));
  }
  return [...items, ...strangerItems(all, isNamed), ...(await removeOrphans(ports, isNamed))];
}

// Reports containers that only look like the remains of a roll.
function strangerItems(all: readonly ContainerSummary[], isNamed: (key: string) => boolean): RecoveredItem[] {
  const services = groupServices(all);
  return strangersAmong(all).flatMap(({ name, slotName, error }) => {
    const key = services.find(({ slots }) => slots.some((slot) => slot.slotName === slotName))?.key ?? slotName;
    if (!isNamed(key) && !isNamed(name)) return [];
    return [{ service: key, slot: slotName, found: name, outcome: 'failed' as const, error: toReported(error) }];
  });
}

/** The same for one service, before its roll; true if there was an interrupted roll. Raises `busy` if a live roll is working on it. */
export async function recoverService(
  ports: Ports,
  service: Service,
  all: readonly ContainerSummary[],
  signal: AbortSignal,
): Promise<boolean> {
  const left = (await halfDone(ports, all, (key) => key === service.key)).filter((half) => concerns(service, half));
  for (const half of left) {
    ports.report({
      kind: 'note',
      text: `${half.slot.slotName}: an earlier roll was interrupted; finishing or undoing it first`,
    });
    await recoverSlot(lenient(ports), half, all, signal);
  }
  // Redirects from a container that has just been removed, which end with it.
  if (left.length > 0) {
    await sweepRules(ports);
    return true;
  }
  // A roll that died before its first step or after its last leaves only its lock.
  const isLocked = all.some(({ name }) => name === lockName(service.key, ports.host.sha256));
  return isLocked && endDeadLock(ports, service.key);
}

/** The same for several services; resolves with the failed ones, by key, and their errors. */
export async function recoverServices(
  ports: Ports,
  services: readonly Service[],
  all: readonly ContainerSummary[],
  signal: AbortSignal,
): Promise<{ readonly any: boolean; readonly failed: ReadonlyMap<string, unknown> }> {
  const failed = new Map<string, unknown>();
  const recovered: string[] = [];
  const isMeant = (key: string): boolean => services.some((service) => service.key === key);
  for (const half of await halfDone(ports, all, isMeant)) {
    const concerned = services.filter((service) => concerns(service, half));
    if (concerned.length === 0) continue;
    try {
      const outcome = await recoverSlot(lenient(ports), half, all, signal);
      if (outcome === undefined) continue;
      recovered.push(half.service.key);
      reportRecovered(ports, half, outcome);
    } catch (raised) {
      for (const { key } of concerned) failed.set(key, raised);
    }
  }
  let any = recovered.length > 0;
  for (const key of replicated(all).filter((one) => recovered.includes(one) || isUnderWay(ports, all, one))) {
    if (failed.has(key) || !services.some((service) => service.key === key)) continue;
    // After a failure they are unchanged, and the caller handles them next.
    any = (await convergeReplicas(ports, key, signal)).length > 0 || any;
  }
  if (any) await sweepRules(ports);
  const locks = new Set(all.flatMap((one) => (helperRole(one) === 'lock' ? [one.name] : [])));
  for (const { key } of services) {
    if (recovered.includes(key) || failed.has(key) || !locks.has(lockName(key, ports.host.sha256))) continue;
    try {
      any = (await dropLock(ports, key)) || any;
    } catch (raised) {
      failed.set(key, raised);
    }
  }
  return { any, failed };
}

// Only a holder that is known to be dead: an update never waits to watch a lock.
async function dropLock(ports: Ports, key: string): Promise<boolean> {
  return !(await lockHeld(ports, key)) && endDeadLock(ports, key);
}

async function recovered(
  ports: Ports,
  half: Half,
  all: readonly ContainerSummary[],
  signal: AbortSignal,
): Promise<RecoveredItem | undefined> {
  const { service, slot } = half;
  const found = slot.members.map((member) => `${member.name} (${member.status})`).join(', ');
  const item = { service: service.key, slot: slot.slotName, found };
  try {
    const outcome = await recoverSlot(lenient(ports), half, all, signal);
    return outcome && { ...item, outcome };
  } catch (raised) {
    // If the engine refuses a call for one service (an image is gone, say), the others are still recovered.
    if (raised instanceof EngineError && isAway(raised)) throw raised;
    const error = inTheMiddle(raised, slot.slotName);
    const { code, hint } = error;
    return {
      ...item,
      outcome: code === 'busy' ? 'busy' : 'failed',
      error: { code, message: messageOf(error), ...(hint ? { hint } : {}) },
    };
  }
}

/** Resolves with undefined if another process was faster: the observation from before the lock may be outdated. */
async function recoverSlot(
  given: Ports,
  half: Half,
  all: readonly ContainerSummary[],
  signal: AbortSignal,
): Promise<'finished' | 'undone' | undefined> {
  refuseStrangers(all, half.slot.slotName);
  const images = [...half.slot.members, ...all].map((container) => container.imageId);
  const incumbents = half.slot.members.map(({ id }) => id);
  const heldLock = await takeLock(given, half.service.key, images, { incumbents });
  const ports = guarded(given, heldLock);
  try {
    await endStops(ports, half.slot);
    const now = await listed(ports.engine);
    const service = groupServices(now).find(({ key }) => key === half.service.key);
    const slot = service && (await stillHalfDone(ports, service, half.slot.slotName, now));
    const outcome = slot && (await finish(ports, service, slot, now, heldLock, signal));
    if (outcome) await retireUnlessHalfDone(ports, half.service.key);
    if (outcome === 'finished') await restartAfterRecovery(ports, half.service.key);
    return outcome;
  } finally {
    await heldLock.release();
  }
}

// Continues the half-done roll towards the desired state of its own labels; the planner decides between finishing and undoing it.
async function finish(
  ports: Ports,
  service: Service,
  slot: Slot,
  all: readonly ContainerSummary[],
  heldLock: HeldLock,
  signal: AbortSignal,
): Promise<'finished' | 'undone'> {
  const memory = freshMemory();
  const images = imageCache();
  const labelled = await Promise.all(slot.members.map((member) => withState({ ports, images }, member)));
  const { incumbent, candidate } = castRoles(slot.slotName, labelled, rollOfHalf(slot.slotName, labelled) ?? NO_ROLL);
  const subject =
    candidate ??
    incumbent ??
    fail('attention', `${slot.slotName} has no container left`, { hint: 'start it anew as you did at first' });
  const movesTraffic = (await kernelLayer(ports)).available;
  if (movesTraffic) distrustGates(slot, memory);
  if (!candidate && incumbent) await recallHeld(ports, memory, incumbent.id);
  const inlineFiles = candidate && incumbent ? await adopted(ports, memory, candidate, incumbent) : [];
  const half = await recoveryRun(ports, service, slot, subject, incumbent, heldLock, signal, images, memory);
  const engineVerdict = await awaitedVerdict(half, incumbent, all);
  const answered = await answeredInHalf(half, incumbent, candidate?.state, all);
  const run = { ...half, desired: { ...half.desired, engineVerdict }, movesTraffic, inlineFiles, answered };
  const { error } = await runSlot(run);
  if (error?.code === 'attention') throw error;
  if (!error && leftOthersBehind(slot, all)) return 'finished';
  const now = await ports.engine.container(slot.slotName);
  if (candidate && now?.id === candidate.id && !error) return 'finished';
  if (!candidate || (now && now.id !== candidate.id)) return 'undone';
  throw error ?? new SwapError('attention', `${slot.slotName} could not be recovered`, { hint: 'see docker ps -a' });
}

const NO_ROLL = 'recover';

// A container that has the slot name but was never started serves nobody: its own roll treats it as a candidate.
function rollOfHalf(slotName: string, [only, ...more]: readonly Labelled[]): string | undefined {
  return only?.name === slotName && only.status === 'created' && more.length === 0 ? only.roll : undefined;
}

interface Labelled extends ContainerSummary {
  readonly state: StateLabels | undefined;
  readonly roll: string | undefined;
  readonly replaces: string | undefined;
}

async function withState(look: Look, member: ContainerSummary): Promise<Labelled> {
  const container = await look.ports.engine.container(member.id);
  const state = container && (await stateOf(look, container));
  return { ...member, state, roll: state?.roll, replaces: state?.replaces };
}

async function recoveryRun(
  ports: Ports,
  service: Service,
  slot: Slot,
  subject: Labelled,
  incumbent: Labelled | undefined,
  heldLock: HeldLock,
  signal: AbortSignal,
  images: ImageCache,
  memory: SlotRun['memory'],
): Promise<Omit<SlotRun, 'movesTraffic' | 'answered'>> {
  const now = await engineClock(ports);
  const { state } = subject;
  const container = await ports.engine.container(subject.id);
  const isCandidate = subject !== incumbent;
  const policy = lenientSettingsOf(ports, service.key, subject.labels);
  const proxy = container && (await recoveredProxy(ports, service.key, container, policy, await listed(ports.engine)));
  return {
    ports,
    names: slotNames(slot.slotName),
    service: service.key,
    policy,
    desired: {
      image: {
        follows: state?.follows || (container?.config.Image ?? ''),
        id: container?.imageId ?? '',
        digest: state?.digest,
      },
      roll: isCandidate ? (state?.roll ?? NO_ROLL) : NO_ROLL,
      force: false,
      choice: { strategy: state?.strategy ?? 'start-first', rehearse: false, because: 'recovery' },
      keepReference: keepReference(service.key, incumbent?.imageId ?? container?.imageId ?? '', ports.host.sha256),
      tagBefore: undefined,
      recoveryOnly: true,
      backup: { volumes: [], keep: policy.backupKeep, fillFrom: undefined },
      checksStart: false,
      proxy: wantedProxy(proxy, policy),
      canary: proxy ? undefined : policy.canary,
      back: false,
    },
    event: 'rolled',
    dependents: await dependentsEver(ports, service.key, slot),
    predecessors: [],
    inlineFiles: [],
    composeHooks: container ? await composeHooksOf(ports, subject.labels, container) : NO_HOOKS,
    successors: new Map(),
    signal,
    lost: heldLock.lost,
    confirmLock: heldLock.confirm,
    gates: false,
    forwards: false,
    proxy,
    images,
    memory,
    now,
    moveDependents: (names, from, to) =>
      moveDependents({ ports, heldLock, options: { ...RECOVERY, signal } }, memory, names, from, to),
  };
}

const RECOVERY: Omit<RollOptions, 'signal'> = {
  target: FOLLOWED,
  pull: 'never',
  force: true,
  overrides: {},
  event: 'rolled',
  rejectLeft: false,
};
