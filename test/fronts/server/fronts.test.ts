// One table: every use case by the command line through a server, by HTTP and by gRPC. Equal requests give equal documents and errors.
import assert from 'node:assert/strict';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { ConnectError } from '@connectrpc/connect';
import { JobSchema } from '#proto/swapctl/v1/job_pb';
import { type JobEvent, PullPolicy } from '#proto/swapctl/v1/roll_service_pb';
import { ServiceHistorySchema, ServicePlanSchema, ServiceSchema } from '#proto/swapctl/v1/status_pb';
import { EngineError } from '../../../src/core/model/engine-error.ts';
import { exitStatus, isErrorCode } from '../../../src/core/model/error.ts';
import { remoteApp } from '../../../src/fronts/client/app.ts';
import { cli } from '../cli/fakes.ts';
import { type Json, plain, timeless } from './documents.ts';
import { all, type Clients, clientsOf, infoOf, overSocket } from './grpc/clients.ts';
import { type Call, latch, type Site, siteOf } from './http/site.ts';

/** The answer of a front: a document, or the code of an error; with its exit status. */
interface Answer {
  readonly document?: unknown;
  readonly code?: string;
  readonly exit?: number;
}

type Front = (site: Site) => Promise<Answer>;

interface Operation {
  readonly name: string;
  /** Prepares the engine before the request; the returned function runs after it. */
  readonly given?: (site: Site) => unknown;
  readonly cli: Front;
  readonly http: Front;
  readonly grpc: Front;
  readonly expect: (answer: Answer) => void;
}

const command =
  (argv: readonly string[], document: (json: Json) => unknown = (json) => json): Front =>
  async ({ folder }) => {
    const address = `unix://${path.join(folder, 'api.sock')}`;
    const { json, status } = await cli(['--server', address, '--json', ...argv], {
      open: async ({ report }) => remoteApp({ address, token: undefined }, report),
    });
    const printed = json();
    if (printed.error && printed.outcome === undefined) return { code: printed.error.code, exit: status };
    const found = document(printed) as Json;
    const code = codeOf(found);
    return { document: found, exit: status, ...(code === undefined ? {} : { code }) };
  };

const http =
  (target: string, call: Call, document: (json: Json) => unknown): Front =>
  async (site) => {
    const { json } = await site.call(target, { ...call, headers: { prefer: 'wait=60' } });
    if (json.type?.startsWith('urn:swapctl:error:')) return { code: json.code, exit: json.exit };
    return withCode(json.state === 'done' && json.error ? { error: json.error } : document(json));
  };

const grpc =
  (call: (clients: Clients) => Promise<unknown>): Front =>
  async (site) => {
    try {
      return withCode(await call(clientsOf(overSocket(site))));
    } catch (raised) {
      const { reason, metadata } = infoOf(ConnectError.from(raised));
      return { code: reason, exit: Number(metadata.exit) };
    }
  };

function withCode(document: unknown): Answer {
  const code = codeOf(document);
  return code === undefined ? { document } : { document, code };
}

function codeOf(document: Json): string | undefined {
  return document?.error?.code;
}

async function jobOf(stream: AsyncIterable<{ readonly event?: JobEvent | undefined }>): Promise<Json> {
  const last = (await all(stream)).at(-1);
  assert.ok(last?.case === 'job');
  return plain(JobSchema, last.value);
}

const newer = ({ world }: Site): unknown => world.newer();
const broken = ({ world }: Site): unknown =>
  world.newer({ readyMs: 0, stopMs: 0, stopCode: 0, ends: { afterMs: 5, code: 1 } });
async function rolled(site: Site): Promise<void> {
  newer(site);
  await site.call('/v1/rolls', { method: 'POST', headers: { prefer: 'wait=60' }, body: { service: 'web' } });
}
async function failed(site: Site): Promise<void> {
  broken(site);
  await site.call('/v1/rolls', { method: 'POST', headers: { prefer: 'wait=60' }, body: { service: 'web' } });
}
/** Begins a roll that waits in the middle, until the returned function is called. */
async function rolling(site: Site): Promise<() => void> {
  newer(site);
  const [reached, going] = [latch(), latch()];
  site.process.before('engine.start', 1, () => {
    reached.resolve();
    return going.promise;
  });
  await site.call('/v1/rolls', { method: 'POST', body: { service: 'web', settings: { settle: '1s' } } });
  await reached.promise;
  return going.resolve;
}
function away({ process }: Site): void {
  for (let nth = 1; nth < 20; nth++)
    process.before('engine.list', nth, () => {
      throw new EngineError(0, 'the engine is away');
    });
}

const report = (json: Json): unknown => json.report;
const first = (json: Json): unknown => json[0] ?? json;
const roll = (request: object = {}, argv: readonly string[] = []) => ({
  cli: command(['roll', 'web', ...argv], first),
  http: http('/v1/rolls', { method: 'POST', body: { service: 'web', ...request } }, report),
  grpc: grpc(async ({ rolls }) => {
    const { pull, ...rest } = request as { pull?: string };
    const policy = pull === 'never' ? { pull: PullPolicy.NEVER } : {};
    const job = await jobOf(rolls.roll({ service: 'web', ...rest, ...policy }));
    return job.error && !job.report ? { error: job.error } : job.report;
  }),
});
const rollback = {
  cli: command(['rollback', 'web'], first),
  http: http('/v1/services/web/rollback', { method: 'POST', body: { confirm: 'shop/web' } }, report),
  grpc: grpc(async ({ rolls }) => (await jobOf(rolls.rollback({ service: 'web', confirm: 'shop/web' }))).report),
};
const none = {
  plan: {
    cli: command(['plan', 'wbe']),
    http: http('/v1/services/wbe/plan', {}, first),
    grpc: grpc(({ services }) => services.plan({ service: 'wbe' })),
  },
  history: {
    cli: command(['history', 'wbe']),
    http: http('/v1/services/wbe/history', {}, first),
    grpc: grpc(({ services }) => services.getHistory({ service: 'wbe' })),
  },
  status: {
    cli: command(['status', 'wbe']),
    http: http('/v1/services/wbe', {}, first),
    grpc: grpc(({ services }) => services.getService({ service: 'wbe' })),
  },
  roll: {
    cli: command(['roll', 'wbe']),
    http: http('/v1/rolls', { method: 'POST', body: { service: 'wbe' } }, report),
    grpc: grpc(({ rolls }) => jobOf(rolls.roll({ service: 'wbe' }))),
  },
  check: {
    cli: command(['check', 'wbe']),
    http: http('/v1/checks', { method: 'POST', body: { services: ['wbe'] } }, report),
    grpc: grpc(({ rolls }) => jobOf(rolls.check({ services: ['wbe'] }))),
  },
};

const outcome =
  (wanted: string) =>
  ({ document }: Answer): void =>
    assert.equal((document as Json)?.outcome, wanted);
const refusal =
  (wanted: string) =>
  ({ code }: Answer): void =>
    assert.equal(code, wanted);

const OPERATIONS: readonly Operation[] = [
  {
    name: 'status',
    cli: command(['status']),
    http: http('/v1/services', {}, (json) => json.services.flatMap(({ replicas }: Json) => replicas)),
    grpc: grpc(async ({ services }) =>
      (await services.listServices({})).services.flatMap((one) => plain(ServiceSchema, one).replicas),
    ),
    expect: ({ document }) => assert.equal((document as Json).length, 2),
  },
  {
    name: 'plan',
    given: newer,
    cli: command(['plan', 'web', '--explain', '--strategy', 'stop-first'], first),
    http: http('/v1/services/web/plan?explain=true&strategy=stop-first', {}, (json) => json),
    grpc: grpc(async ({ services }) => {
      const { plan } = await services.plan({ service: 'web', explain: true, settings: { strategy: 'stop-first' } });
      return plain(ServicePlanSchema, plan ?? assert.fail('there is a plan'));
    }),
    expect: ({ document }) => assert.equal((document as Json).slots[0].strategy, 'stop-first'),
  },
  {
    name: 'history, with an image that failed',
    given: async (site) => {
      await rolled(site);
      await failed(site);
    },
    cli: command(['history', 'web']),
    http: http('/v1/services/web/history', {}, (json) => json),
    grpc: grpc(async ({ services }) => {
      const { history } = await services.getHistory({ service: 'web' });
      return plain(ServiceHistorySchema, history ?? assert.fail('there is a history'));
    }),
    expect: ({ document }) => assert.ok((document as Json).failures[0].reason),
  },
  {
    name: 'check',
    given: newer,
    cli: command(['check', 'web'], (json) => json.services ?? json),
    http: http('/v1/checks', { method: 'POST', body: { services: ['web'] } }, report),
    grpc: grpc(async ({ rolls }) => (await jobOf(rolls.check({ services: ['web'] }))).checked.services),
    expect: ({ document }) => assert.equal((document as Json)[0].outcome, 'available'),
  },
  { name: 'roll', given: newer, ...roll(), expect: outcome('rolled') },
  { name: 'roll, unchanged', ...roll({ pull: 'never' }, ['--pull', 'never']), expect: outcome('unchanged') },
  { name: 'roll to an image that fails', given: broken, ...roll(), expect: outcome('failed') },
  { name: 'roll to an image that failed before', given: failed, ...roll(), expect: refusal('known-bad') },
  { name: 'rollback', given: rolled, ...rollback, expect: outcome('rolled-back') },
  { name: 'rollback without a history', ...rollback, expect: refusal('no-history') },
  {
    name: 'update',
    given: newer,
    cli: command(['update']),
    http: http('/v1/updates', { method: 'POST', body: {} }, report),
    grpc: grpc(async ({ rolls }) => (await jobOf(rolls.update({}))).updated),
    expect: ({ document }) => assert.equal((document as Json).services.length, 2),
  },
  {
    name: 'a second roll of a service',
    given: rolling,
    ...roll(),
    expect: refusal('busy'),
  },
  {
    name: 'roll to an image that is none',
    ...roll({ image: 'App:2' }, ['--image', 'App:2']),
    expect: refusal('usage'),
  },
  ...Object.entries(none).map(([name, fronts]) => ({
    name: `${name} of a service that is not there`,
    ...fronts,
    expect: refusal('not-found'),
  })),
  ...Object.entries({ plan: none.plan, status: none.status, roll: none.roll }).map(([name, fronts]) => ({
    name: `${name} while the engine is away`,
    given: away,
    ...fronts,
    expect: refusal('engine-unreachable'),
  })),
];

const FRONTS = ['cli', 'http', 'grpc'] as const;

for (const operation of OPERATIONS)
  test(`${operation.name}: the same by each front`, async (t: TestContext) => {
    const answers: Answer[] = [];
    for (const front of FRONTS) {
      const site = await siteOf(t, ['shop/web', 'other']);
      const end = await operation.given?.(site);
      const answer = await operation[front](site);
      if (typeof end === 'function') end();
      operation.expect(answer);
      answers.push(answer);
    }
    // The command line also has a report of a roll that the server refuses to begin.
    const isRefused = answers.some(({ document }) => document === undefined);
    const [one, ...others] = answers.map(({ document, code }) => timeless(isRefused ? { code } : { document, code }));
    for (const [at, other] of others.entries()) assert.deepEqual(other, one, `${FRONTS[at + 1]} and ${FRONTS[0]}`);
    for (const { code, exit } of answers)
      if (code !== undefined && exit !== undefined && isErrorCode(code)) assert.equal(exit, exitStatus(code));
  });
