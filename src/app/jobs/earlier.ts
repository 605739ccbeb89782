import type { ErrorCode } from '../../core/model/error.ts';
import type { Job, JobKind } from './job.ts';

/** A job in the records of an earlier process. Times are ISO 8601. */
export interface EarlierJob {
  readonly id: string;
  readonly kind: JobKind;
  readonly service?: string | undefined;
  readonly actor: string;
  readonly requested: string;
  /** Absent: the process ended first. */
  readonly ended?: string | undefined;
  readonly outcome?: NonNullable<Job['outcome']> | undefined;
  readonly code?: ErrorCode | undefined;
}

const OVER = { possible: false, requested: false, because: 'the job is done' };

/** A job that left nothing on the engine: it failed early, or recovery has undone it. */
export function earlierJob({ id, kind, service, actor, requested, ended, outcome, code }: EarlierJob): Job {
  const job = { id, kind, ...(service === undefined ? {} : { service }), actor, requested, steps: [], cancel: OVER };
  const what = service === undefined ? `this ${kind}` : `the ${kind} of ${service}`;
  if (ended === undefined) {
    const message = `the process of ${what} ended before it was done, and nothing of it is left`;
    return { ...job, state: 'done', outcome: 'failed', error: { code: 'interrupted', message } };
  }
  const whole = { ...job, state: 'done' as const, ended, outcome: outcome ?? 'failed' };
  if (whole.outcome !== 'failed') return whole;
  const hint = `the log of the server at ${ended} has the reason`;
  return {
    ...whole,
    error: { code: code ?? 'unexpected', message: `${what} failed before this server started`, hint },
  };
}

/** A job from labels, with the facts that only the earlier process knew: the caller and the times. */
export function withEarlier(job: Job, { actor, requested, ended }: EarlierJob): Job {
  return { ...job, actor, requested, ...(job.state === 'done' && ended !== undefined ? { ended } : {}) };
}
