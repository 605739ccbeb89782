import type { z } from 'zod';
import { noSuchJob } from '../../../app/jobs/book.ts';
import type { Job } from '../../../app/jobs/job.ts';
import {
  cancelJob,
  checkAsked,
  listJobs,
  readableJob,
  rollAsked,
  rollbackAsked,
  updateAsked,
} from '../operations/jobs.ts';
import type { checkBody, jobsQuery, rollBody, rollbackBody, updateBody } from '../operations/schemas.ts';
import { type Asking, answer } from './context.ts';
import { etagOf } from './request/etag.ts';
import { deadline, waitOf } from './request/prefer.ts';
import { submit } from './submit.ts';

// The handlers of the routes of jobs.

export async function postRoll(asking: Asking): Promise<Response> {
  const body = asking.body as z.output<typeof rollBody>;
  return submit(asking, await rollAsked(asking, body, traceparentOf(asking)));
}

export async function postRollback(asking: Asking): Promise<Response> {
  const { service = '' } = asking.params;
  const body = asking.body as z.output<typeof rollbackBody>;
  return submit(asking, await rollbackAsked(asking, service, body, traceparentOf(asking)));
}

function traceparentOf({ request }: Asking): string | undefined {
  return request.headers.get('traceparent') ?? undefined;
}

export async function postCheck(asking: Asking): Promise<Response> {
  return submit(asking, await checkAsked(asking, asking.body as z.output<typeof checkBody>));
}

export async function postUpdate(asking: Asking): Promise<Response> {
  return submit(asking, await updateAsked(asking, asking.body as z.output<typeof updateBody>));
}

export async function getJobs(asking: Asking): Promise<Response> {
  return answer(await listJobs(asking, asking.query as z.output<typeof jobsQuery>));
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
  return answer(await cancelJob(asking, id), 202, { location: `/v1/rolls/${id}` });
}

// Resolves when the job reaches the awaited state, at the deadline, or when the client is gone.
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
