import { noSuchJob } from '../../../app/jobs/book.ts';
import type { Asked } from '../../../app/jobs/job.ts';
import { begin } from '../operations/begin.ts';
import { type Asking, answer } from './context.ts';
import { etagOf } from './request/etag.ts';
import { deadline, waitOf } from './request/prefer.ts';

/** Begins a job, and answers with it: 202 at once, or 200 if it is done within the time that the client wants to wait. */
export async function submit(asking: Asking, asked: Asked): Promise<Response> {
  const { request, path, text } = asking;
  const key = request.headers.get('idempotency-key');
  return jobAnswer(asking, await begin(asking, asked, key === null ? undefined : { key, request: `${path}\n${text}` }));
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
