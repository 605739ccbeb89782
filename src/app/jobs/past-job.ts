import type { ReportedError } from '../../core/report/reported-error.ts';
import type { PastRoll } from '../app.ts';
import type { Job, PastReport } from './job.ts';

const OVER = { possible: false, requested: false, because: 'the job is done' };

/** The job of a roll of another process, or of this one before its restart, from labels. */
export function pastJob(roll: PastRoll): Job {
  const { id, service, at, phase } = roll;
  const job = { id, kind: kindOf(roll), service, actor: 'unknown', requested: at, steps: [], cancel: OVER };
  if (phase === 'under-way' || phase === 'unclear') {
    const because = 'another process rolls the service';
    return { ...job, state: 'running', started: at, cancel: { ...OVER, because } };
  }
  return { ...job, state: 'done', ended: at, outcome: outcomeOf(roll), ...resultOf(roll) };
}

function kindOf({ phase }: PastRoll): Job['kind'] {
  return phase === 'rolled-back' ? 'rollback' : 'roll';
}

function outcomeOf({ phase }: PastRoll): NonNullable<Job['outcome']> {
  return phase === 'rolled' || phase === 'rolled-back' ? phase : 'failed';
}

function resultOf(roll: PastRoll): Pick<Job, 'report' | 'error'> {
  return roll.phase === 'interrupted' ? { error: interruptedError(roll) } : { report: reportOf(roll) };
}

/** The error of an interrupted roll, until swapctl has finished or undone it. */
export function interruptedError({ service }: Pick<PastRoll, 'service'>): ReportedError {
  return {
    code: 'interrupted',
    message: `the process that rolled ${service} ended in the middle of the roll`,
    hint: `the next roll of it, or swapctl recover ${service}, finishes or undoes this one`,
    state: 'half-done',
  };
}

// Labels do not hold the duration of the parts.
function reportOf(roll: PastRoll): PastReport {
  const { service, from, to, error } = roll;
  const side = (one: NonNullable<typeof to>) => ({ container: service, image: one.image, digest: one.digest });
  return {
    service,
    outcome: roll.phase === 'rolled' || roll.phase === 'rolled-back' ? roll.phase : 'failed',
    ...(from ? { from: side(from) } : {}),
    ...(to ? { to: side(to) } : {}),
    ...(error ? { error } : {}),
  };
}
