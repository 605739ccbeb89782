import { answers } from '../core/forward.ts';
import type { Observed } from '../core/observed.ts';
import { leads } from '../core/traffic.ts';
import type { SlotRun } from './slot-run.ts';

/**
 * Notes for how long nobody of the slot answered: from the beginning of the step that ended it (the app may turn requests away
 * from its stop signal on) to the look that finds somebody healthy, so it is the longest that it can have been.
 */
export function noteGap(run: SlotRun, seen: Observed, lastStepBeganAt: number): void {
  const { memory } = run;
  const { clock } = run.ports;
  const stoodIn = leads(seen.cover) ? [seen.standIn] : [];
  const answered = [seen.incumbent, seen.candidate, ...stoodIn].some((one) => one && answers(one)) || servesYet(seen);
  if (answered && memory.gap.since !== undefined) {
    memory.gap = { since: undefined, ms: memory.gap.ms + clock.now() - memory.gap.since };
  }
  if (!answered && memory.answered) memory.gap = { ...memory.gap, since: lastStepBeganAt };
  memory.answered = answered;
}

// An incumbent that this run has not started serves: no step asks it by a check of swapctl's own (swapctl.health.*).
function servesYet({ incumbent }: Observed): boolean {
  return (
    incumbent?.running === true && !incumbent.shut && incumbent.starts === 0 && incumbent.verdict.kind === 'waiting'
  );
}
