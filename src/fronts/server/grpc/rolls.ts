import type { DescMessage, Message } from '@bufbuild/protobuf';
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import type { z } from 'zod';
import {
  CheckRequestSchema,
  type JobEvent,
  ListJobsRequestSchema,
  RollbackRequestSchema,
  RollRequestSchema,
  type RollService,
  UpdateRequestSchema,
} from '#proto/swapctl/v1/roll_service_pb';
import type { Asked } from '../../../app/jobs/job.ts';
import type { Asker, Site } from '../operations/asker.ts';
import { begin, type Once } from '../operations/begin.ts';
import {
  cancelJob,
  checkAsked,
  listJobs,
  readableJob,
  rollAsked,
  rollbackAsked,
  updateAsked,
} from '../operations/jobs.ts';
import { checkBody, jobsQuery, rollBody, rollbackBody, updateBody, validated } from '../operations/schemas.ts';
import { askerOf } from './call.ts';
import { watchAll, watchOne } from './events.ts';
import { jobMessage } from './job.ts';
import { plainOf, required } from './message.ts';

/** The calls that begin jobs, follow and cancel them. */
export function rollService(site: Site): ServiceImpl<typeof RollService> {
  return {
    roll: (request, context) =>
      started(site, context, request, RollRequestSchema, (asker) =>
        rollAsked(asker, bodyOf(rollBody, RollRequestSchema, request), traceparentOf(context)),
      ),
    rollback: (request, context) =>
      started(site, context, request, RollbackRequestSchema, (asker) => {
        const service = required('service', request.service);
        const { service: _, ...body } = plainOf(RollbackRequestSchema, request);
        return rollbackAsked(asker, service, checked(rollbackBody, body), traceparentOf(context));
      }),
    check: (request, context) =>
      started(site, context, request, CheckRequestSchema, (asker) =>
        checkAsked(asker, bodyOf(checkBody, CheckRequestSchema, request)),
      ),
    update: (request, context) =>
      started(site, context, request, UpdateRequestSchema, (asker) =>
        updateAsked(asker, bodyOf(updateBody, UpdateRequestSchema, request)),
      ),
    listJobs: async (request, context) => {
      const { rolls, complete } = await listJobs(
        askerOf(site, context),
        bodyOf(jobsQuery, ListJobsRequestSchema, request),
      );
      return { rolls: rolls.map(jobMessage), complete };
    },
    getJob: async ({ id }, context) => ({
      job: jobMessage(await readableJob(askerOf(site, context), required('id', id))),
    }),
    cancelJob: async ({ id }, context) => ({
      job: jobMessage(await cancelJob(askerOf(site, context), required('id', id))),
    }),
    watchJob: ({ id, after }, context) => wrapped(watchOne(askerOf(site, context), context, required('id', id), after)),
    watchJobs: ({ after }, context) => wrapped(watchAll(askerOf(site, context), context, after)),
  };
}

async function* started(
  site: Site,
  context: HandlerContext,
  request: Message,
  desc: DescMessage,
  asked: (asker: Asker) => Promise<Asked>,
): AsyncGenerator<{ event: JobEvent }> {
  const asker = askerOf(site, context);
  const id = await begin(asker, await asked(asker), onceOf(context, desc, request));
  // A client whose deadline ends before the first message has the id nevertheless.
  context.responseHeader.set('swapctl-job', id);
  yield* wrapped(watchOne(asker, context, id));
}

async function* wrapped(events: AsyncIterable<JobEvent>): AsyncGenerator<{ event: JobEvent }> {
  for await (const event of events) yield { event };
}

function bodyOf<T extends z.ZodType>(schema: T, desc: DescMessage, request: Message): z.output<T> {
  return checked(schema, plainOf(desc, request));
}

function checked<T extends z.ZodType>(schema: T, body: unknown): z.output<T> {
  return validated(schema, body, 'request', HINT);
}

const HINT = 'proto/swapctl/v1/roll_service.proto and GET /openapi.json describe it';

function onceOf({ requestHeader }: HandlerContext, { typeName }: DescMessage, request: Message): Once | undefined {
  const key = requestHeader.get('idempotency-key');
  return key === null ? undefined : { key, request: `${typeName}\n${JSON.stringify(request)}` };
}

function traceparentOf({ requestHeader }: HandlerContext): string | undefined {
  return requestHeader.get('traceparent') ?? undefined;
}
