import type { Asked, Job } from '../../../app/jobs/job.ts';
import { errorOf } from '../../../app/jobs/raised.ts';
import { callerFields } from '../access/audit.ts';
import { note, noteJob } from '../access/audit-job.ts';
import type { Asker } from './asker.ts';
import { LimitError } from './limit.ts';

/** The key that makes a request safe to repeat, and the text that distinguishes it from other requests. */
export interface Once {
  readonly key: string;
  readonly request: string;
}

/** Begins a job, notes it in the audit log, and resolves with its id. A client that goes away stops nothing. */
export async function begin(asker: Asker, asked: Asked, once?: Once): Promise<string> {
  mayChange(asker);
  const { site, caller } = asker;
  const work = async (): Promise<string> => (await begun(asker, asked)).id;
  return once === undefined ? work() : site.keys.once(caller.name, once.key, once.request, work);
}

/** Raises `too-many-requests` if the caller changes too much. */
export function mayChange({ site: { world }, caller }: Asker): void {
  const limit = world.gate.mayChange(caller, world.now());
  if (limit.ok) return;
  const { retryAfterS } = limit;
  throw new LimitError(`${caller.name} asks for too many changes`, `wait ${retryAfterS} seconds`, retryAfterS);
}

async function begun(asker: Asker, asked: Asked): Promise<Job> {
  const { site, caller } = asker;
  const { world } = site;
  const service = 'service' in asked ? asked.service : asked.services.join(' ') || undefined;
  const about = service === undefined ? {} : { service };
  try {
    const { job, joined } = await world.book.submit(noting(asker, asked));
    if (joined) audited(asker, { what: asked.kind, service, job: job.id, outcome: 'joined' });
    else noteJob(world, callerFields(caller), job, about);
    return job;
  } catch (raised) {
    audited(asker, { what: asked.kind, service, outcome: 'denied', code: errorOf(raised).code });
    throw raised;
  }
}

// The rolls of an update are changes, too.
function noting({ site: { world }, caller }: Asker, asked: Asked): Asked {
  if (asked.kind !== 'update') return asked;
  return { ...asked, onRoll: (job) => noteJob(world, callerFields(caller), job) };
}

/** Writes the actions of a caller, and its attempts, to the audit log. */
export function audited(
  { site: { world }, caller }: Asker,
  entry: {
    what: string;
    service?: string | undefined;
    job?: string | undefined;
    outcome: string;
    code?: string | undefined;
  },
): void {
  note(world, { ...callerFields(caller), ...entry });
}
