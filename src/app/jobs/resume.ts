import type { App, PastRoll } from '../app.ts';
import type { Job } from './job.ts';
import { interruptedError, pastJob } from './past-job.ts';
import type { JobRecord } from './record.ts';

type End = Pick<Job, 'outcome' | 'report' | 'error'>;

/** Finishes or undoes a roll whose process ended in the middle; resolves with what came of it. */
export async function resumed(app: App, roll: PastRoll, record: JobRecord): Promise<End> {
  const items = await app.recover([roll.service], record.signal, record.take);
  const now = (await app.pastRolls()).find(({ id }) => id === roll.id);
  if (now && now.phase !== 'interrupted' && now.phase !== 'under-way') {
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
    hint: 'the old container serves as before; ask for the roll again',
  };
}
