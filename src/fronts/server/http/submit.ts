import { noSuchJob } from '../../../app/jobs/book.ts';
import type { Asked, Job } from '../../../app/jobs/job.ts';
import { errorOf } from '../../../app/jobs/raised.ts';
import { callerFields } from '../access/audit.ts';
import { type Asking, answer } from './context.ts';
import { etagOf } from './request/etag.ts';
import { deadline, waitOf } from './request/prefer.ts';
import { HttpError } from './request/problem.ts';

/**
 * Begins a job, notes it in the audit log, and answers with it: 202 at once, or 200 if it is done within the time that the client
 * wants to wait. A client that goes away stops nothing.
 */
export async function submit(asking: Asking, asked: Asked): Promise<Response> {
  const { site, caller, request, path, text } = asking;
  mayChange(asking);
  const key = request.headers.get('idempotency-key');
  const begin = async (): Promise<string> => (await begun(asking, asked)).id;
  const id = key === null ? await begin() : await site.keys.once(caller.name, key, `${path}\n${text}`, begin);
  return jobAnswer(asking, id);
}

/** Raises 429 where the caller changes too much. */
export function mayChange({ site: { world }, caller }: Asking): void {
  const limit = world.gate.mayChange(caller, world.now());
  if (limit.ok) return;
  const headers = { 'retry-after': String(limit.retryAfterS) };
  const hint = 'wait as long as Retry-After says';
  throw new HttpError(429, 'too-many-requests', `${caller.name} asks for too many changes`, { headers, hint });
}

async function begun(asking: Asking, asked: Asked): Promise<Job> {
  const { world } = asking.site;
  const service = 'service' in asked ? asked.service : asked.services.join(' ') || undefined;
  const note = (outcome: string, job?: string, code?: string): void =>
    audited(asking, { what: asked.kind, service, outcome, job, code });
  try {
    const { job, joined } = await world.book.submit(asked);
    note(joined ? 'joined' : 'accepted', job.id);
    if (!joined) void world.book.settled(job.id, new AbortController().signal).then(() => noteEnd(asking, job));
    return job;
  } catch (raised) {
    note('denied', undefined, errorOf(raised).code);
    throw raised;
  }
}

async function noteEnd(asking: Asking, { id, kind, service }: Job): Promise<void> {
  const job = await asking.site.world.book.find(id).catch(() => undefined);
  audited(asking, { what: kind, service, outcome: job?.outcome ?? 'unknown', job: id, code: job && codeOf(job) });
}

function codeOf({ error, report }: Job): string | undefined {
  return error?.code ?? (report && 'error' in report ? report.error?.code : undefined);
}

/** Writes what a caller did, or tried, to the audit log. */
export function audited(
  { site: { world }, caller }: Pick<Asking, 'site' | 'caller'>,
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

async function jobAnswer({ site: { world }, request }: Asking, id: string): Promise<Response> {
  const waitMs = waitOf(request.headers.get('prefer') ?? undefined);
  if (waitMs !== undefined) {
    const { signal, end } = deadline(waitMs, [request.signal, world.signal]);
    await world.book.settled(id, signal).finally(end);
  }
  const job = (await world.book.find(id)) ?? noSuchJob(id);
  const applied = waitMs === undefined ? {} : { 'preference-applied': `wait=${waitMs / 1000}` };
  const isOver = waitMs !== undefined && job.state === 'done';
  return answer(job, isOver ? 200 : 202, { location: `/v1/rolls/${job.id}`, etag: etagOf(job), ...applied });
}
