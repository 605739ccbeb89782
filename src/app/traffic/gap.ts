import { answers } from '../../core/rollout/address-redirect.ts';
import type { Observed, Replica } from '../../core/rollout/observed.ts';
import { isActive } from '../../core/traffic/routes.ts';
import type { Memory, SlotRun } from '../rollout/slot-run.ts';

/**
 * Notes the gap of the slot: from the start of the step that caused it (the app may reject requests from its stop signal on) to the
 * observation of a healthy container, so it is the maximum. A container counts as answering only together with those in its namespaces,
 * which may serve its ports.
 */
export function noteGap(run: SlotRun, seen: Observed, lastStepBeganAt: number): void {
  const { memory } = run;
  const now = run.ports.clock.now();
  const answered = isAnswered(seen);
  if (answered && !memory.answered) memory.answeredAt = now;
  if (answered && memory.gap.since !== undefined) endGap(memory, memory.gap.since, now);
  if (!answered && memory.answered) {
    memory.gap = { ...memory.gap, since: lastStepBeganAt };
    memory.dependentsAnsweredAt = undefined;
  }
  memory.answered = answered;
}

/** Includes the re-creation of a dependent, whose place was empty meanwhile. */
export function noteMoved(memory: Memory, moved: Pick<Memory, 'gap' | 'answeredAt'>): void {
  // A gap of the slot itself lasts until the last of them answers.
  if (memory.gap.since === undefined) memory.gap = { ...memory.gap, ms: memory.gap.ms + moved.gap.ms };
  else memory.dependentsAnsweredAt = moved.answeredAt ?? memory.dependentsAnsweredAt;
}

// The move of a dependent continues for its settle time after it answers.
function endGap(memory: Memory, since: number, now: number): void {
  const until = Math.max(since, memory.dependentsAnsweredAt ?? now);
  memory.gap = { since: undefined, ms: memory.gap.ms + until - since };
  memory.dependentsAnsweredAt = undefined;
}

function isAnswered(seen: Observed): boolean {
  const stoodIn = isActive(seen.portRedirect) ? [seen.standIn] : [];
  const answering = [seen.incumbent, seen.candidate, ...stoodIn].filter(
    (one) => one && (answers(one) || servesYet(seen, one)),
  );
  const inside = seen.dependents.filter((dependent) => dependent.inside);
  return answering.length > 0 && inside.every(({ on }) => answering.some((one) => one?.id === on));
}

// An incumbent that this run has not started serves: no step probes it with swapctl's own check (swapctl.health.*).
function servesYet({ incumbent }: Observed, one: Replica): boolean {
  const isFirst = one === incumbent && one.running && !one.shut && one.starts === 0;
  return isFirst && one.verdict.kind === 'waiting';
}
