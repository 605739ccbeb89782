import type { App, PastRoll } from '../app.ts';
import type { Job } from './job.ts';
import { interruptedError, pastJob } from './past-job.ts';
import type { JobRecord } from './record.ts';

const OPEN: readonly PastRoll['phase'][] = ['interrupted', 'under-way', 'unclear'];

type End = Pick<Job, 'outcome' | 'report' | 'error'>;

/** Finishes or undoes an interrupted roll; resolves with the result, or with undefined if its process lives after all. */
export async function resumed(app: App, roll: PastRoll, record: JobRecord): Promise<End | undefined> {
  const items = await app.recover([roll.service], record.signal, record.take);
  if (items.some(({ outcome }) => outcome === 'busy')) return undefined;
  const now = (await app.pastRolls()).find(({ id }) => id === roll.id);
  if (now && !OPEN.includes(now.phase)) {
    const { outcome = 'failed', report, error } = pastJob(now);
    return { outcome, ...(report ? { report } : {}), ...(error ? { error } : {}) };
  }
  const failed = items.find(({ error }) => error)?.error;
  if (failed) return { outcome: 'failed', error: failed };
  if (now) return { outcome: 'failed', error: interruptedError(roll) };
  return { outcome: 'failed', error: undone(roll) };
}

function undone({ service }: PastRoll): NonNullable<End['error']> {
  return {
    code: 'interrupted',
    message: `the process that rolled ${service} ended in the middle of the roll; recovery has undone it`,
    hint: 'ask for the roll again',
    state: 'old-serves',
  };
}
