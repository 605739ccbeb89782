import { type Context, Hono } from 'hono';
import { errorOf } from '../../../app/jobs/raised.ts';
import type { Principal } from '../../../core/access/principal.ts';
import { METRICS_TYPE, metricsText } from '../../../core/metrics/exposition.ts';
import { fail } from '../../../core/model/error.ts';
import { credentialsOf } from '../access/credentials.ts';
import type { Site } from '../operations/asker.ts';
import { login } from '../operations/login.ts';
import { mustAllow } from '../operations/may.ts';
import { validated } from '../operations/schemas.ts';
import { within } from '../operations/within.ts';
import { recordProcess } from '../process-metrics.ts';
import type { ServerWorld } from '../world.ts';
import { type Asking, answer } from './context.ts';
import { hookRoute } from './hook-route.ts';
import { measureRequests } from './measures.ts';
import { openApi } from './openapi.ts';
import type { Bindings } from './request/bindings.ts';
import { HttpError, problemResponse } from './request/problem.ts';
import { queryOf, ROUTES, type Route } from './routes.ts';

type Env = { Bindings: Bindings };
type Call = Context<Env>;

const MOST_BODY = 64 * 1024;
const ENGINE_TIMEOUT_MS = 3000;

/** The HTTP API as a function of requests; it knows no sockets. */
export function httpApi(site: Site): Hono<Env> {
  const { world } = site;
  const app = new Hono<Env>();
  app.use('*', measureRequests(world.metrics, world.now));
  const hook = hookRoute(world);
  app.on(['POST', 'OPTIONS'], ['/hooks/:name', '/hooks/:name/:secret'], hook);
  app.get('/metrics', async (call) => {
    mustAllow(await callerOf(world, call), 'read');
    world.metrics.set('swapctl_engine_up', {}, (await answers(world)) ? 1 : 0);
    await recordProcess(world.metrics, world.now());
    return new Response(metricsText(world.metrics), { headers: { 'content-type': METRICS_TYPE } });
  });
  app.get('/livez', () => new Response('ok\n'));
  app.get('/readyz', () => ready(world));
  app.get('/openapi.json', async (call) => {
    await callerOf(world, call);
    return answer(openApi(world.version));
  });
  for (const route of ROUTES)
    app.on(route.method.toUpperCase(), route.path.replace(/\{(\w+)\}/g, ':$1'), (call) => handled(site, route, call));
  for (const path of new Set(ROUTES.map((route) => route.path))) refuseOthers(app, path);
  app.notFound((call) => problemResponse(noSuchPath(), call.req.path));
  app.onError((raised, call) => failed(world, raised, call));
  return app;
}

async function handled(site: Site, route: Route, call: Call): Promise<Response> {
  refuseOtherSites(call.req.raw);
  const caller = await callerOf(site.world, call);
  const query = validated(queryOf(route), singleValues(call.req.queries()), 'query') as Asking['query'];
  const text = route.method === 'post' ? await bodyText(call.req.raw) : '';
  const body = route.body && validated(route.body, parsed(call.req.raw, text), 'body');
  const { raw: request, path } = call.req;
  if (request.method === 'HEAD' && route.answers === 'events') return new Response(null);
  const drop = (): void => void call.env.outgoing.destroy();
  return route.handle({ site, caller, request, path, params: call.req.param(), query, body, text, drop });
}

function callerOf(world: ServerWorld, { req, env }: Call): Promise<Principal> {
  return login(world, credentialsOf(req.raw.headers, { socket: env.incoming.socket, transport: env.transport }));
}

// A browser with a client certificate would let any page ask for changes; programs send no Origin.
function refuseOtherSites(request: Request): void {
  const origin = request.headers.get('origin');
  if (origin === null || request.method === 'GET' || origin === new URL(request.url).origin) return;
  throw new HttpError(403, 'forbidden', 'a page of another site may ask for no changes');
}

// A caller that sends a value twice may not mean the one that counts.
function singleValues(queries: Readonly<Record<string, string[]>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(queries).map(([name, [value = '', ...more]]) => {
      if (more.length > 0) fail('usage', `the query has ${JSON.stringify(name.slice(0, 50))} more than once`);
      return [name, value];
    }),
  );
}

async function bodyText(request: Request): Promise<string> {
  const tooLarge = (): never => fail('too-large', `the body is larger than ${MOST_BODY} bytes`);
  if (Number(request.headers.get('content-length') ?? 0) > MOST_BODY) tooLarge();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > MOST_BODY) tooLarge();
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

function parsed(request: Request, text: string): unknown {
  if (text.trim() === '') return {};
  const type = request.headers.get('content-type') ?? '';
  // A page in a browser can't send this type to another site without being asked first.
  if (!/^application\/json\s*(;|$)/i.test(type))
    throw new HttpError(415, 'usage', 'the body has to be JSON', { hint: 'send Content-Type: application/json' });
  try {
    return JSON.parse(text);
  } catch {
    return fail('usage', 'the body is not JSON');
  }
}

async function ready({ use }: ServerWorld): Promise<Response> {
  await use((app) => app.names());
  return new Response('ok\n');
}

// A scrape must not wait for an engine that hangs.
async function answers({ use }: ServerWorld): Promise<boolean> {
  const asked = use((app) => app.names()).then(
    () => true,
    () => false,
  );
  return within(ENGINE_TIMEOUT_MS, asked, false);
}

function refuseOthers(app: Hono<Env>, path: string): void {
  const methods = ROUTES.filter((route) => route.path === path).map(({ method }) => method.toUpperCase());
  const allow = methods.includes('GET') ? [...methods, 'HEAD'].join(', ') : methods.join(', ');
  app.all(path.replace(/\{(\w+)\}/g, ':$1'), (call) =>
    problemResponse(
      new HttpError(405, 'usage', `${path} has no ${call.req.method}`, { headers: { allow }, hint: `it has ${allow}` }),
      call.req.path,
    ),
  );
}

function noSuchPath(): HttpError {
  return new HttpError(404, 'not-found', 'there is no such path', { hint: 'GET /openapi.json lists them' });
}

function failed({ log }: ServerWorld, raised: unknown, call: Call): Response {
  if (errorOf(raised).code === 'unexpected')
    log.write('error', `${call.req.method} ${call.req.path}: ${errorOf(raised).message}`);
  return problemResponse(raised, call.req.path);
}
