import type { JobBook } from '../../../app/jobs/book.ts';
import type { Job } from '../../../app/jobs/job.ts';
import type { AuditEntry } from '../../../core/access/principal.ts';
import type { Progress } from '../../../core/report/progress.ts';
import type { Audit } from './audit.ts';

/** The means to note jobs in the audit log. */
export interface AuditedBook {
  readonly book: Pick<JobBook, 'find' | 'settled'>;
  readonly audit: Audit;
  readonly now: () => number;
}

/** The fields of an entry that name the actor. */
export type Actor = Pick<AuditEntry, 'who' | 'by' | 'from'>;

/** An event of the server itself has no address. */
export const NO_ADDRESS = '-';

/** Writes to the audit log that a job has begun, and its outcome once it is done. `what`: if not the kind of the job. */
export function noteJob(
  world: AuditedBook,
  actor: Actor,
  job: Job,
  about: { what?: string; service?: string } = {},
): void {
  const { id, kind, service } = job;
  const entry = { ...actor, what: kind, service, job: id, ...about };
  note(world, { ...entry, outcome: 'accepted' });
  void world.book.settled(id, new AbortController().signal).then(async () => {
    const ended = await world.book.find(id).catch(() => undefined);
    note(world, { ...entry, outcome: ended?.outcome ?? 'unknown', code: ended && codeOf(ended) });
  });
}

/** Writes an entry with the time of now. */
export function note({ audit, now }: Pick<AuditedBook, 'audit' | 'now'>, entry: Omit<AuditEntry, 'time'>): void {
  void audit.write({ time: new Date(now()).toISOString(), ...entry });
}

/** Writes an entry for an interrupted roll that an update of the server has finished or undone. */
export function noteRecovered(world: Pick<AuditedBook, 'audit' | 'now'>, progress: Progress): void {
  if (progress.kind !== 'note' || !progress.recovered) return;
  note(world, { who: 'schedule', by: 'server', from: NO_ADDRESS, what: 'recover', ...progress.recovered });
}

function codeOf({ error, report }: Job): string | undefined {
  return error?.code ?? (report && 'error' in report ? report.error?.code : undefined);
}
