import type { z } from 'zod';
import {
  checkBody,
  jobsQuery,
  noQuery,
  planBody,
  planQuery,
  rollBody,
  rollbackBody,
  updateBody,
} from '../operations/schemas.ts';
import type { Asking } from './context.ts';
import { deleteJob, getJob, getJobs, postCheck, postRoll, postRollback, postUpdate } from './jobs.ts';
import { getHistory, getPlan, getService, getServices, postPlan } from './services.ts';
import { streamAll, streamJob } from './streams.ts';

/** One route of the API: the router, the validation and the OpenAPI document are made of it. */
export interface Route {
  readonly method: 'get' | 'post' | 'delete';
  /** With `{name}` for parameters. */
  readonly path: string;
  readonly id: string;
  readonly summary: string;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  /** The media type of the answer, and the statuses of success. */
  readonly answers: 'job' | 'document' | 'events';
  readonly handle: (asking: Asking) => Promise<Response>;
}

export const ROUTES: readonly Route[] = [
  {
    method: 'post',
    path: '/v1/rolls',
    id: 'roll',
    summary: 'Roll a service to a newer image',
    body: rollBody,
    answers: 'job',
    handle: postRoll,
  },
  {
    method: 'get',
    path: '/v1/rolls',
    id: 'listJobs',
    summary: 'List jobs, the newest first',
    query: jobsQuery,
    answers: 'document',
    handle: getJobs,
  },
  {
    method: 'get',
    path: '/v1/rolls/{id}',
    id: 'getJob',
    summary: 'Show a job; with Prefer: wait, once it has changed or is done',
    answers: 'document',
    handle: getJob,
  },
  {
    method: 'delete',
    path: '/v1/rolls/{id}',
    id: 'cancelJob',
    summary: 'Cancel a job, unless new connections go to the new container already',
    answers: 'job',
    handle: deleteJob,
  },
  {
    method: 'get',
    path: '/v1/rolls/{id}/events',
    id: 'jobEvents',
    summary: 'Follow a job until it is done',
    answers: 'events',
    handle: streamJob,
  },
  {
    method: 'get',
    path: '/v1/events',
    id: 'events',
    summary: 'Follow all jobs',
    answers: 'events',
    handle: streamAll,
  },
  {
    method: 'post',
    path: '/v1/checks',
    id: 'check',
    summary: 'Look for newer images in the registries',
    body: checkBody,
    answers: 'job',
    handle: postCheck,
  },
  {
    method: 'post',
    path: '/v1/updates',
    id: 'update',
    summary: 'Update opted-in services that have a newer image and an open window',
    body: updateBody,
    answers: 'job',
    handle: postUpdate,
  },
  {
    method: 'get',
    path: '/v1/services',
    id: 'listServices',
    summary: 'List services, their containers and their health',
    answers: 'document',
    handle: getServices,
  },
  {
    method: 'get',
    path: '/v1/services/{service}',
    id: 'getService',
    summary: 'Show a service',
    answers: 'document',
    handle: getService,
  },
  {
    method: 'get',
    path: '/v1/services/{service}/plan',
    id: 'plan',
    summary: 'Show what a roll would do, and why',
    query: planQuery,
    answers: 'document',
    handle: getPlan,
  },
  {
    method: 'post',
    path: '/v1/services/{service}/plan',
    id: 'planWith',
    summary: 'Show what a roll with these settings would do, and why; nothing is changed',
    body: planBody,
    answers: 'document',
    handle: postPlan,
  },
  {
    method: 'get',
    path: '/v1/services/{service}/history',
    id: 'history',
    summary: 'Show the images that a service ran, and the failed ones',
    answers: 'document',
    handle: getHistory,
  },
  {
    method: 'post',
    path: '/v1/services/{service}/rollback',
    id: 'rollback',
    summary: 'Roll a service back to an earlier image',
    body: rollbackBody,
    answers: 'job',
    handle: postRollback,
  },
];

/** For a route without one: no query parameter is accepted. */
export function queryOf({ query }: Route): z.ZodType {
  return query ?? noQuery;
}
