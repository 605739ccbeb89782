import type { Asked, Job } from '../../../app/jobs/job.ts';
import { errorOf } from '../../../app/jobs/raised.ts';
import { callerFields } from '../access/audit.ts';
import type { Asker } from './asker.ts';
import { LimitError } from './limit.ts';

/** The key that makes a request safe to repeat, and the text that tells it from other requests. */
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

/** Raises `too-many-requests` where the caller changes too much. */
export function mayChange({ site: { world }, caller }: Asker): void {
  const limit = world.gate.mayChange(caller, world.now());
  if (limit.ok) return;
  const { retryAfterS } = limit;
  throw new LimitError(`${caller.name} asks for too many changes`, `wait ${retryAfterS} seconds`, retryAfterS);
}

async function begun(asker: Asker, asked: Asked): Promise<Job> {
  const { world } = asker.site;
  const service = 'service' in asked ? asked.service : asked.services.join(' ') || undefined;
  const note = (outcome: string, job?: string, code?: string): void =>
    audited(asker, { what: asked.kind, service, outcome, job, code });
  try {
    const { job, joined } = await world.book.submit(asked);
    note(joined ? 'joined' : 'accepted', job.id);
    if (!joined) void world.book.settled(job.id, new AbortController().signal).then(() => noteEnd(asker, job));
    return job;
  } catch (raised) {
    note('denied', undefined, errorOf(raised).code);
    throw raised;
  }
}

async function noteEnd(asker: Asker, { id, kind, service }: Job): Promise<void> {
  const job = await asker.site.world.book.find(id).catch(() => undefined);
  audited(asker, { what: kind, service, outcome: job?.outcome ?? 'unknown', job: id, code: job && codeOf(job) });
}

function codeOf({ error, report }: Job): string | undefined {
  return error?.code ?? (report && 'error' in report ? report.error?.code : undefined);
}

/** Writes what a caller did, or tried, to the audit log. */
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
  const time = new Date(world.now()).toISOString();
  void world.audit.write({ time, ...callerFields(caller), ...entry });
}
