import { setTimeout as delay } from 'node:timers/promises';
import type { PlannedSlot } from '../../app/jobs/job.ts';
import { fail, SwapError } from '../../core/model/error.ts';
import { loggedText } from '../../core/report/decision-text.ts';
import type { Progress } from '../../core/report/progress.ts';
import type { ReportedError } from '../../core/report/reported-error.ts';
import type { Answer, Connection } from './http.ts';

/** A job as the API shows it; `T` is its report. */
export interface RemoteJob<T> {
  readonly id: string;
  readonly state: 'queued' | 'running' | 'done';
  readonly plan: readonly PlannedSlot[];
  readonly steps: readonly RemoteStep[];
  readonly report?: T;
  readonly error?: ReportedError;
}

interface RemoteStep {
  readonly at: string;
  readonly kind: string;
  readonly slot?: string;
  readonly text: string;
  readonly seen?: string;
  readonly reason?: string;
}

/** How a client follows its jobs. */
export interface Following {
  readonly connection: Connection;
  readonly report: (progress: Progress) => void;
}

const WAIT_S = 60;
/** A restarting server comes back, and answers for the roll. */
const AWAY_MS = 120_000;
const RETRY_MS = 1000;

/**
 * Begins a job, and resolves with it once it is done; its steps are progress. An abort of the signal cancels the job, and the
 * answer shows the result of that.
 */
export async function follow<T>(
  { connection, report }: Following,
  begin: { readonly path: string; readonly body: unknown },
  signal: AbortSignal,
): Promise<RemoteJob<T>> {
  let last = jobOf<T>(await connection.call({ method: 'POST', ...begin }));
  const path = `/v1/rolls/${encodeURIComponent(last.job.id)}`;
  const cancel = (): void => void connection.call({ method: 'DELETE', path }).catch(() => {});
  signal.addEventListener('abort', cancel, { once: true });
  if (signal.aborted) cancel();
  const seen = new Set<string>();
  try {
    reportSteps(last.job, seen, report);
    while (last.job.state !== 'done') {
      last = await nextOf(connection, path, last);
      reportSteps(last.job, seen, report);
    }
    return last.job;
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

interface Seen<T> {
  readonly job: RemoteJob<T>;
  readonly etag: string | undefined;
}

async function nextOf<T>(connection: Connection, path: string, last: Seen<T>): Promise<Seen<T>> {
  const known = last.etag === undefined ? {} : { 'if-none-match': last.etag };
  const answer = await whileAway(last.job.id, () =>
    connection.call({ path, headers: { prefer: `wait=${WAIT_S}`, ...known } }),
  );
  return answer.status === 304 ? last : jobOf<T>(answer);
}

async function whileAway<T>(id: string, work: () => Promise<T>): Promise<T> {
  for (let waited = 0; ; waited += RETRY_MS) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof SwapError) || error.code !== 'engine-unreachable') throw error;
      if (waited >= AWAY_MS)
        return fail('attention', `${error.message}; job ${id} was under way there`, {
          hint: 'swapctl status through the same server shows the state once it answers again',
          cause: error,
        });
      await delay(RETRY_MS);
    }
  }
}

function jobOf<T>({ document, etag }: Answer): Seen<T> {
  const job = document as Partial<RemoteJob<T>> | null;
  if (typeof job?.id !== 'string' || typeof job.state !== 'string')
    return fail('bad-answer', 'the server shows no job');
  return { job: { ...job, id: job.id, state: job.state, plan: job.plan ?? [], steps: job.steps ?? [] }, etag };
}

function reportSteps(job: RemoteJob<unknown>, seen: Set<string>, report: Following['report']): void {
  for (const step of job.steps) {
    const { at, kind, slot, text } = step;
    const key = `${at} ${kind} ${slot ?? ''} ${text}`;
    if (seen.has(key)) continue;
    seen.add(key);
    if (slot !== undefined) reportSlot(job, slot, seen, report);
    if (step.reason !== undefined) report({ kind: 'logged', text: loggedText(step) });
    report({ kind: kind === 'probe' ? 'debug' : 'note', text: slot === undefined ? text : `${slot}: ${text}` });
  }
}

// As on the engine itself: the strategy of a replica before its first step.
function reportSlot({ plan }: RemoteJob<unknown>, slot: string, seen: Set<string>, report: Following['report']): void {
  const planned = plan.find((one) => one.slot === slot);
  const key = `slot ${slot} ${planned?.strategy}`;
  if (!planned || seen.has(key)) return;
  seen.add(key);
  report({ kind: 'slot', slot, strategy: planned.strategy, because: planned.because });
}
