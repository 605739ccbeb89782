import { isDiskFull, isNotFound, isPassing } from '../../core/model/engine-error.ts';
import { messageOf, SwapError } from '../../core/model/error.ts';
import { nextPhase } from '../../core/report/phase.ts';
import { describeSeen } from '../../core/report/seen-words.ts';
import { byHand } from '../../core/rollout/backup.ts';
import { tagHarm, violation } from '../../core/rollout/invariants.ts';
import { type Decision, plan } from '../../core/rollout/plan.ts';
import { hasSwitched } from '../../core/rollout/route.ts';
import { describeStep, type Step } from '../../core/rollout/step.ts';
import { diskFull } from '../image/disk.ts';
import { clearExpired, stopRenewing } from '../traffic/address-redirect.ts';
import { noteGap } from '../traffic/gap.ts';
import { endForeignHolds, endOwnHolds } from '../traffic/gate.ts';
import { execute } from './execute.ts';
import { observe } from './observe.ts';
import { noteAway, observeThrough } from './outage.ts';
import type { SlotRun } from './slot-run.ts';
import type { Snapshot } from './snapshot.ts';
import { awaitHealthy, NEVER } from './steps/await-healthy.ts';

// Far more steps than any roll takes: a planner in a loop must end with an error.
const MOST_STEPS = 200;
const TRIES = 3;
const RETRY_AFTER_MS = 300;

/** The end of a slot's roll: the desired state is reached, or the reason why not (then the incumbent serves as before). */
export interface SlotEnd {
  readonly error: SwapError | undefined;
  readonly steps: readonly Step[];
}

/**
 * Observes, plans, does one step, and observes again, until nothing is left to do. There is no other control flow: a first run, a
 * run after a crash, and a run after another process interfered are the same loop.
 */
export async function runSlot(run: SlotRun): Promise<SlotEnd> {
  try {
    const end = await untilDecided(run);
    await stopRenewing(run);
    await endOwnHolds(run);
    await clearExpired(run);
    run.ports.report({ kind: 'end', slot: run.names.slotName, error: end.error?.code });
    return end;
  } catch (error) {
    run.ports.report({ kind: 'end', slot: run.names.slotName, error: 'attention' });
    throw error;
  } finally {
    await stopRenewing(run);
  }
}

async function untilDecided(run: SlotRun): Promise<SlotEnd> {
  const steps: Step[] = [];
  let failuresInRow = 0;
  let began = run.ports.clock.now();
  while (steps.length < MOST_STEPS) {
    if (run.lost.aborted) throw run.lost.reason;
    if (run.signal.aborted) run.memory.giveUp ??= interrupted(run);
    const snapshot = await observeThrough(run);
    if (steps.length === 0) await endForeignHolds(run, snapshot);
    noteGap(run, snapshot.seen, began);
    const { desired } = run;
    const decision = plan(desired, snapshot.seen);
    run.ports.report({ kind: 'decision', slot: run.names.slotName, desired, seen: snapshot.seen, decision });
    if (decision.kind === 'converged') return { error: undefined, steps };
    if (decision.kind === 'refuse') {
      await untilAnswered(run, snapshot.seen);
      return { error: decision.error, steps };
    }
    if (decision.undoing) run.memory.giveUp ??= decision.undoing;
    forbidHarm(run, snapshot, decision.step);
    steps.push(decision.step);
    began = run.ports.clock.now();
    const error = await attempt(run, decision, snapshot);
    failuresInRow = error ? failuresInRow + 1 : 0;
    if (error)
      await afterFailure(
        run,
        decision.step,
        error,
        failuresInRow,
        decision.undoing !== undefined || hasSwitched(snapshot.seen),
      );
  }
  return {
    error: new SwapError('attention', `${run.names.slotName}: still not done after ${MOST_STEPS} steps`, {
      hint: 'run swapctl recover',
    }),
    steps,
  };
}

// Report "serves as before" only once the incumbent does; an interruption does not shorten the wait.
async function untilAnswered(run: SlotRun, { incumbent }: Snapshot['seen']): Promise<void> {
  if (run.memory.gap.since === undefined || !incumbent?.running) return;
  await awaitHealthy(run, incumbent.id, NEVER);
  noteGap(run, (await observe(run)).seen, run.ports.clock.now());
}

// The invariants of the planner's tests are checked before every step, too: a roll had better stop than do harm.
function forbidHarm(run: SlotRun, { seen }: Snapshot, step: Step): void {
  const broken = violation(seen, step) ?? tagHarm(step);
  if (broken === undefined) return;
  throw new SwapError('attention', `${run.names.slotName}: stopped before a step that must not be (${broken})`, {
    hint: 'nothing was done for it; this is a bug in swapctl, please report it',
  });
}

type Act = Extract<Decision, { kind: 'act' }>;

async function attempt(run: SlotRun, { step, undoing }: Act, snapshot: Snapshot): Promise<unknown> {
  const { report, clock } = run.ports;
  const slot = run.names.slotName;
  const strategy = run.desired.choice.strategy;
  run.memory.phase = nextPhase(run.memory.phase, step, strategy, undoing !== undefined);
  const { phase } = run.memory;
  const because = undoing === undefined ? {} : { because: undoing.message };
  report({
    kind: 'step',
    slot,
    step,
    strategy,
    phase,
    seen: describeSeen(snapshot.seen),
    switched: hasSwitched(snapshot.seen),
    ...because,
  });
  const began = clock.now();
  try {
    if (await lostOther(run, step, snapshot)) return undefined;
    await execute(run, step, snapshot);
    const ms = clock.now() - began;
    run.memory.times.set(step.kind, (run.memory.times.get(step.kind) ?? 0) + ms);
    noteStep(run, step, ms);
    report({ kind: 'done', slot, step, ms });
    return undefined;
  } catch (error) {
    noteAway(run, error);
    noteStep(run, step, clock.now() - began, messageOf(error));
    report({ kind: 'debug', text: `${slot}: ${describeStep(step)}: ${messageOf(error)}` });
    return error ?? new Error('unknown');
  }
}

function noteStep({ memory }: SlotRun, step: Step, ms: number, error?: string): void {
  const phase = memory.phase === undefined ? {} : { phase: memory.phase };
  const failed = error === undefined ? {} : { error };
  memory.steps.push({ step: describeStep(step), ...phase, ms: Math.round(ms), ...failed });
}

// Remove the incumbent or the candidate only while the other one is unchanged, whatever users did since the observation.
async function lostOther(run: SlotRun, step: Step, { incumbent, candidate }: Snapshot): Promise<boolean> {
  if (step.kind !== 'stop' && step.kind !== 'remove') return false;
  const other = step.container === incumbent?.id ? candidate : step.container === candidate?.id ? incumbent : undefined;
  if (!other) return false;
  const now = (await run.ports.engine.container(other.id))?.status ?? 'gone';
  // After the stop of an incumbent with --rm, a candidate that was not started yet is all that is left.
  if (now !== 'gone' && (now === 'running' || other.status !== 'running')) return false;
  const text = `${run.names.slotName}: ${other.name} is ${now} since the last look; nothing is removed before the next one`;
  run.ports.report({ kind: 'debug', text });
  await run.ports.clock.sleep(RETRY_AFTER_MS);
  return true;
}

// A failed step changes nothing by itself: the next observation shows the state. If a step is impossible, the planner undoes the
// roll before the switch, and reports it afterwards.
async function afterFailure(
  run: SlotRun,
  step: Step,
  error: unknown,
  failuresInRow: number,
  pastReturn: boolean,
): Promise<void> {
  if (run.signal.aborted && !pastReturn) return;
  // A proxy may also refuse a change for a moment, while another process changes its configuration.
  const passes = isPassing(error) || isGone(step, error) || step.kind === 'route';
  const final = isDiskFull(error) || !passes || failuresInRow >= TRIES;
  if (!final) return run.ports.clock.sleep(RETRY_AFTER_MS * failuresInRow);
  // A container that refuses to start, or exits while it is opened, explains the failure itself, and the planner judges it by
  // that.
  if ((step.kind === 'start' || step.kind === 'open') && failuresInRow < TRIES) return;
  // The failure can't be recorded; continuing the undo matters more.
  if (step.kind === 'remember-failure' && isDiskFull(error)) {
    run.memory.giveUp = await diskFull(run.ports, `${step.reason}; and that can't be remembered`, error);
    return;
  }
  if (failuresInRow < TRIES && (await lostOwner(run, step))) return;
  const known = error instanceof SwapError ? inWords(run, step, error) : undefined;
  if (pastReturn || run.memory.giveUp) throw known?.code === 'attention' ? known : needsAttention(run, step, error);
  run.memory.giveUp = known ?? (await failed(run, step, error));
}

// A proxy's refusal does not name the step.
function inWords({ names }: SlotRun, step: Step, error: SwapError): SwapError {
  const { message, hint = 'the old container serves as before' } = error;
  if (step.kind !== 'route' || error.code === 'attention') return error;
  const code = error.code === 'proxy-unreachable' ? 'step-failed' : error.code;
  return new SwapError(code, `${names.slotName}: could not ${describeStep(step)}: ${message}`, { hint, cause: error });
}

// A user removed the container after the observation: the next observation shows the rest of the work.
function isGone(step: Step, error: unknown): boolean {
  return 'container' in step && isNotFound(error);
}

// Dependents can't move to a removed container; the planner goes on from that.
async function lostOwner(run: SlotRun, step: Step): Promise<boolean> {
  if (step.kind !== 'move-dependents') return false;
  return (await run.ports.engine.container(step.to))?.status !== 'running';
}

async function failed(run: SlotRun, step: Step, error: unknown): Promise<SwapError> {
  if (isDiskFull(error)) return diskFull(run.ports, `${run.names.slotName}: could not ${describeStep(step)}`, error);
  // Not every engine records the reason for a refused start on the container.
  if (step.kind === 'start')
    return new SwapError('cannot-start', `it can't be started: ${messageOf(error)}`, { cause: error });
  const code = step.kind.startsWith('create') ? 'cannot-create' : 'step-failed';
  return new SwapError(code, `${run.names.slotName}: could not ${describeStep(step)}: ${messageOf(error)}`, {
    cause: error,
  });
}

function needsAttention(run: SlotRun, step: Step, error: unknown): SwapError {
  return new SwapError('attention', `${run.names.slotName}: could not ${describeStep(step)}: ${messageOf(error)}`, {
    hint: `fix that, then run swapctl recover to finish or undo the roll${atHand(step)}`,
    cause: error,
  });
}

function atHand(step: Step): string {
  return step.kind === 'put-back'
    ? `; the volume backup is complete, and can be restored by hand: ${byHand(step.copies)}`
    : '';
}

function interrupted(run: SlotRun): SwapError {
  return new SwapError('interrupted', `the roll of ${run.names.slotName} was interrupted`);
}
