import type { z } from 'zod';
import { noSuchJob } from '../../../app/jobs/book.ts';
import type { Job } from '../../../app/jobs/job.ts';
import { errorOf } from '../../../app/jobs/raised.ts';
import { type Action, allows } from '../../../core/access/scope.ts';
import { type Asking, answer } from './context.ts';
import { keyFor, mustAllow } from './request/caller.ts';
import { etagOf } from './request/etag.ts';
import { deadline, waitOf } from './request/prefer.ts';
import { HttpError } from './request/problem.ts';
import type { checkBody, jobsQuery, rollBody, rollbackBody, updateBody } from './schemas.ts';
import { audited, mayChange, submit } from './submit.ts';

// The handlers of the routes of jobs.

export async function postRoll(asking: Asking): Promise<Response> {
  const { service, notify, settings, ...request } = asking.body as z.output<typeof rollBody>;
  const { use } = asking.site.world;
  await refusedAloud(asking, 'roll', service, () => use((app) => keyFor(app, asking.caller, service, 'roll')));
  const overrides = settingsOf(settings);
  return submit(asking, {
    kind: 'roll',
    service,
    actor: asking.caller.name,
    request: { ...request, overrides, traceparent: traceparentOf(asking) },
    notify,
  });
}

export async function postRollback(asking: Asking): Promise<Response> {
  const { confirm, notify, settings, ...request } = asking.body as z.output<typeof rollbackBody>;
  const { service = '' } = asking.params;
  const { use } = asking.site.world;
  const find = (): Promise<string> => use((app) => keyFor(app, asking.caller, service, 'rollback'));
  const key = await refusedAloud(asking, 'rollback', service, find);
  if (confirm !== key)
    throw new HttpError(428, 'unconfirmed', `to roll ${key} back, the body has to name it again`, {
      hint: `send ${JSON.stringify({ confirm: key })}`,
    });
  const overrides = settingsOf(settings);
  const { name: actor } = asking.caller;
  const whole = { ...request, overrides, traceparent: traceparentOf(asking) };
  return submit(asking, { kind: 'rollback', service: key, actor, request: whole, notify });
}

function traceparentOf({ request }: Asking): string | undefined {
  return request.headers.get('traceparent') ?? undefined;
}

export async function postCheck(asking: Asking): Promise<Response> {
  const { services = [] } = asking.body as z.output<typeof checkBody>;
  await mayAll(asking, services, 'check');
  return submit(asking, { kind: 'check', services, actor: asking.caller.name });
}

export async function postUpdate(asking: Asking): Promise<Response> {
  const { services = [], settings, ...request } = asking.body as z.output<typeof updateBody>;
  await mayAll(asking, services, 'roll');
  const overrides = settingsOf(settings);
  return submit(asking, { kind: 'update', services, actor: asking.caller.name, request: { ...request, overrides } });
}

async function mayAll(asking: Asking, services: readonly string[], action: Action): Promise<void> {
  if (services.length === 0) return mustAllow(asking.caller, action);
  const { use } = asking.site.world;
  for (const service of services)
    await refusedAloud(asking, action, service, () => use((app) => keyFor(app, asking.caller, service, action)));
}

// A caller that reaches for what it may not is in the audit log.
async function refusedAloud<T>(asking: Asking, what: string, service: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (raised) {
    const { code } = errorOf(raised);
    if (code === 'forbidden') audited(asking, { what, service, outcome: 'denied', code });
    throw raised;
  }
}

function settingsOf(settings: Readonly<Record<string, string | undefined>> = {}): Record<string, string> {
  return Object.fromEntries(
    Object.entries(settings).flatMap(([key, text]) => (text === undefined ? [] : [[key, text]])),
  );
}

export async function getJobs(asking: Asking): Promise<Response> {
  const { service, state, kind, limit = 100 } = asking.query as z.output<typeof jobsQuery>;
  const { jobs, complete } = await asking.site.world.book.list();
  const wanted = jobs.filter(
    (job) =>
      mayRead(asking, job) &&
      (service === undefined || job.service === service) &&
      (state === undefined || job.state === state) &&
      (kind === undefined || job.kind === kind),
  );
  return answer({ rolls: wanted.slice(0, limit), complete });
}

/** One job; with `Prefer: wait` the answer comes when it changes (`If-None-Match`), or else when it is done. */
export async function getJob(asking: Asking): Promise<Response> {
  const { site, request, params } = asking;
  const { id = '' } = params;
  const known = request.headers.get('if-none-match');
  const waitMs = waitOf(request.headers.get('prefer') ?? undefined);
  let job = await readableJob(asking, id);
  const isNews = (one: Job): boolean => (known === null ? one.state === 'done' : etagOf(one) !== known);
  if (waitMs !== undefined && !isNews(job)) {
    await changed(asking, id, waitMs, isNews);
    job = (await site.world.book.find(id)) ?? noSuchJob(id);
  }
  const headers = {
    etag: etagOf(job),
    ...(waitMs === undefined ? {} : { 'preference-applied': `wait=${waitMs / 1000}` }),
  };
  if (known === headers.etag) return new Response(null, { status: 304, headers });
  return answer(job, 200, headers);
}

export async function deleteJob(asking: Asking): Promise<Response> {
  const { id = '' } = asking.params;
  const job = await readableJob(asking, id);
  const action: Action = job.kind === 'rollback' ? 'rollback' : job.kind === 'check' ? 'check' : 'roll';
  const note = { what: 'cancel', service: job.service, job: id };
  try {
    mustAllow(asking.caller, action, job.service);
    mayChange(asking);
    const cancelled = await asking.site.world.book.cancel(id);
    audited(asking, { ...note, outcome: 'accepted' });
    return answer(cancelled, 202, { location: `/v1/rolls/${id}` });
  } catch (raised) {
    audited(asking, { ...note, outcome: 'denied', code: errorOf(raised).code });
    throw raised;
  }
}

/** The job of that id, where the caller may read it; another is as good as none. */
export async function readableJob(asking: Asking, id: string): Promise<Job> {
  const job = await asking.site.world.book.find(id);
  return job && mayRead(asking, job) ? job : noSuchJob(id);
}

function mayRead({ caller }: Asking, { service, actor }: Job): boolean {
  return allows(caller.scopes, 'read', service) || actor === caller.name;
}

// Resolves when the job is as is waited for, at the deadline, or when the client is gone.
async function changed(
  { site: { world }, request }: Asking,
  id: string,
  waitMs: number,
  isNews: (job: Job) => boolean,
): Promise<void> {
  const { signal, end } = deadline(waitMs, [request.signal, world.signal]);
  let stop = (): void => {};
  await new Promise<void>((resolve) => {
    stop = world.book.subscribe((job) => void (job.id === id && isNews(job) && resolve()));
    signal.addEventListener('abort', () => resolve(), { once: true });
    if (signal.aborted) resolve();
  });
  stop();
  end();
}
