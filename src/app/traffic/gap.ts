import { answers } from '../../core/rollout/forward.ts';
import type { Observed, Replica } from '../../core/rollout/observed.ts';
import { leads } from '../../core/traffic/routes.ts';
import type { Memory, SlotRun } from '../rollout/slot-run.ts';

/**
 * Notes for how long nobody of the slot answered: from the beginning of the step that ended it (the app may turn requests away
 * from its stop signal on) to the look that finds somebody healthy, so it is the longest that it can have been. A container
 * answers only together with those in its namespaces: they may be what serves its ports.
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

/** Takes into account that a dependent was re-created: nobody answered in its place meanwhile. */
export function noteMoved(memory: Memory, moved: Pick<Memory, 'gap' | 'answeredAt'>): void {
  // A gap of the slot itself goes on until the last of them answers.
  if (memory.gap.since === undefined) memory.gap = { ...memory.gap, ms: memory.gap.ms + moved.gap.ms };
  else memory.dependentsAnsweredAt = moved.answeredAt ?? memory.dependentsAnsweredAt;
}

// The move of a dependent goes on for its settle time after it answers.
function endGap(memory: Memory, since: number, now: number): void {
  const until = Math.max(since, memory.dependentsAnsweredAt ?? now);
  memory.gap = { since: undefined, ms: memory.gap.ms + until - since };
  memory.dependentsAnsweredAt = undefined;
}

function isAnswered(seen: Observed): boolean {
  const stoodIn = leads(seen.cover) ? [seen.standIn] : [];
  const answering = [seen.incumbent, seen.candidate, ...stoodIn].filter(
    (one) => one && (answers(one) || servesYet(seen, one)),
  );
  const inside = seen.dependents.filter((dependent) => dependent.inside);
  return answering.length > 0 && inside.every(({ on }) => answering.some((one) => one?.id === on));
}

// An incumbent that this run has not started serves: no step asks it by a check of swapctl's own (swapctl.health.*).
function servesYet({ incumbent }: Observed, one: Replica): boolean {
  const isFirst = one === incumbent && one.running && !one.shut && one.starts === 0;
  return isFirst && one.verdict.kind === 'waiting';
}
