import { z } from 'zod';
import { ERROR_CODES } from '../../../core/model/error.ts';
import { queryOf, ROUTES, type Route } from './routes.ts';

/** The OpenAPI 3.1 document of the API, made of the schemas that validate its requests. */
export function openApi(version: string): unknown {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of ROUTES) paths[route.path] = { ...paths[route.path], [route.method]: operation(route) };
  return {
    openapi: '3.1.0',
    info: {
      title: 'swapctl',
      version,
      summary: 'Asks swapctl for rolls, and follows them',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: { Job: JOB, Problem: PROBLEM },
    },
  };
}

function operation(route: Route): unknown {
  const { id, summary, body } = route;
  const content = body && { 'application/json': { schema: schemaOf(body) } };
  const isRequired = id === 'roll';
  return {
    operationId: id,
    summary,
    parameters: [...pathParameters(route), ...queryParameters(route), ...headerParameters(route)],
    ...(content ? { requestBody: { required: isRequired, content } } : {}),
    responses: { ...successes(route), default: PROBLEM_ANSWER },
  };
}

function pathParameters({ path }: Route): unknown[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    description: name === 'service' ? 'A service; the slash of project/service is written %2F' : 'The id of a job',
    schema: { type: 'string', minLength: 1 },
  }));
}

function queryParameters(route: Route): unknown[] {
  const { properties = {} } = schemaOf(queryOf(route)) as { properties?: Record<string, { description?: string }> };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    required: false,
    ...(description ? { description } : {}),
    schema,
  }));
}

function headerParameters({ answers, method, id }: Route): unknown[] {
  const header = (name: string, description: string, pattern?: string) => ({
    name,
    in: 'header',
    description,
    schema: { type: 'string', ...(pattern === undefined ? {} : { pattern }) },
  });
  const wait = header('Prefer', 'wait=60: answer once the job is done, at the latest after 60 seconds (at most 300)');
  const key = header('Idempotency-Key', 'A repeated request with the same key begins no second job', KEY);
  if (answers === 'job' && method === 'post') return [wait, key];
  if (answers === 'events') return [header('Last-Event-ID', 'The id of the last event that the client got')];
  return id === 'getJob' ? [wait, header('If-None-Match', 'Answer 304 where the job is as it was')] : [];
}

const KEY = '^[!-~]{1,255}$';

function successes({ answers, method, id }: Route): Record<string, unknown> {
  const job = { 'application/json': { schema: { $ref: '#/components/schemas/Job' } } };
  if (answers === 'events')
    return {
      200: { description: 'Server-sent events', content: { 'text/event-stream': { schema: { type: 'string' } } } },
    };
  if (answers === 'document') {
    const content = id === 'getJob' ? job : { 'application/json': { schema: { type: 'object' } } };
    const same = id === 'getJob' ? { 304: { description: 'The job is as it was' } } : {};
    return { 200: { description: 'The document', content }, ...same };
  }
  const location = { Location: { description: 'The path of the job', schema: { type: 'string' } } };
  const accepted = { 202: { description: 'The job goes on', headers: location, content: job } };
  return method === 'delete'
    ? accepted
    : { ...accepted, 200: { description: 'The job is done', headers: location, content: job } };
}

function schemaOf(schema: z.ZodType): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return rest;
}

const TEXT = { type: 'string' };
const TIME = { type: 'string', format: 'date-time' };

const STEP = {
  type: 'object',
  required: ['at', 'kind', 'text'],
  properties: { at: TIME, kind: TEXT, slot: TEXT, text: TEXT, seen: TEXT, reason: TEXT, ms: { type: 'number' } },
};

const PLANNED = {
  type: 'object',
  required: ['slot', 'strategy', 'because'],
  properties: { slot: TEXT, strategy: TEXT, because: TEXT, steps: { type: 'array', items: TEXT } },
};

const JOB = {
  type: 'object',
  required: ['id', 'kind', 'state', 'actor', 'requested', 'steps', 'cancel'],
  properties: {
    id: TEXT,
    kind: { enum: ['roll', 'rollback', 'check', 'update'] },
    state: { enum: ['queued', 'running', 'done'] },
    service: TEXT,
    actor: TEXT,
    requested: TIME,
    started: TIME,
    ended: TIME,
    plan: { type: 'array', items: PLANNED },
    steps: { type: 'array', items: STEP },
    outcome: { enum: ['rolled', 'unchanged', 'rolled-back', 'failed', 'done'] },
    report: { description: 'The report of the command line: of a roll, a check or an update' },
    error: { type: 'object' },
    cancel: { type: 'object', required: ['possible', 'requested'] },
    rolls: { type: 'array', items: TEXT },
  },
};

const PROBLEM = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'instance', 'code', 'exit'],
  properties: {
    type: TEXT,
    title: TEXT,
    status: { type: 'integer' },
    detail: TEXT,
    instance: TEXT,
    code: { enum: ERROR_CODES },
    exit: { type: 'integer' },
    hint: TEXT,
    choices: { type: 'array', items: TEXT },
    roll: TEXT,
  },
};

const PROBLEM_ANSWER = {
  description: 'The request started nothing',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
};
