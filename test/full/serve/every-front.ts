// The fronts of swapctl, each with a service of its own on one real engine: the same requests by each of them.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import path from 'node:path';
import { ConnectError } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { JobSchema } from '#proto/swapctl/v1/job_pb';
import type { JobEvent } from '#proto/swapctl/v1/roll_service_pb';
import { ServicePlanSchema, ServiceSchema } from '#proto/swapctl/v1/status_pb';
import type { ServeProcess } from '../../engine/serve/serve-process.ts';
import { type Json, plain } from '../../fronts/server/documents.ts';
import { all, type Clients, clientsOf, infoOf } from '../../fronts/server/grpc/clients.ts';
import { swapctl } from '../../lab/cli.ts';
import type { StepRunner } from '../../lab/runner.ts';
import { eventually } from '../../lab/waiting.ts';
import type { World } from '../../lab/world.ts';

/** The result of a use case as a front tells of it. */
export interface Told {
  readonly document: Json;
  /** The exit status of the process, or the one that the front names for its error. */
  readonly exit?: number | undefined;
  /** The outcome where the server did not follow a hint. */
  readonly declined?: string | undefined;
}

export type UseCase = 'status' | 'check' | 'plan' | 'roll' | 'rollback';

/** A front asks for the use cases that it has, of the service of that name. */
export type Front = Partial<Record<UseCase, (service: string) => Promise<Told>>>;

/** The hook of the front that is one. */
export const HOOK = { name: 'pushed', secret: randomBytes(16).toString('hex') };

export interface Stage {
  readonly world: World;
  readonly env: NodeJS.ProcessEnv;
  readonly serve: ServeProcess;
  readonly runner: StepRunner;
}

/** All fronts by name. */
export function frontsOn(stage: Stage): Readonly<Record<string, Front>> {
  const server = `unix://${stage.serve.socket}`;
  return {
    cli: command(stage, []),
    'cli-through-server': command(stage, ['--server', server]),
    action: action(stage, { 'docker-host': stage.world.dockerHost }),
    http: http(stage),
    grpc: grpc(stage),
    hook: { roll: (service) => pushed(stage, service) },
  };
}

function command({ env }: Stage, before: readonly string[]): Front {
  const run = async (...args: string[]): Promise<Told> => {
    const { code, stdout, stderr } = await swapctl([...before, '--json', ...args], { env });
    assert.notEqual(stdout, '', stderr);
    return { document: JSON.parse(stdout), exit: code };
  };
  const list = async (...args: string[]): Promise<Told> => {
    const { document, exit } = await run(...args);
    return { document: listIn(document), exit };
  };
  return {
    status: (service) => list('status', service),
    check: (service) => list('check', service),
    plan: (service) => list('plan', service),
    roll: (service) => run('roll', service),
    rollback: (service) => run('rollback', service),
  };
}

// For one named service, some commands print its document, and others a list.
function listIn(document: Json): Json {
  const found = document.services ?? document;
  return Array.isArray(found) ? found : [found];
}

function action({ env, runner }: Stage, inputs: Readonly<Record<string, string>>): Front {
  const run = async (service: string, command: string): Promise<Told> => {
    const { report, code, log } = await runner.run({ inputs: { ...inputs, service, command }, env });
    return { document: report ?? assert.fail(log), exit: code };
  };
  return {
    plan: async (service) => {
      const { document, exit } = await run(service, 'plan');
      return { document: listIn(document), exit };
    },
    roll: (service) => run(service, 'roll'),
    rollback: (service) => run(service, 'rollback'),
  };
}

function http({ serve }: Stage): Front {
  const post = async (target: string, body: object): Promise<Told> => {
    const { json } = await serve.call(target, { method: 'POST', headers: { prefer: 'wait=120' }, body });
    return { document: reportIn(json) };
  };
  const get = async (target: string, part: (json: Json) => Json): Promise<Told> => ({
    document: part((await serve.call(target)).json),
  });
  return {
    status: (service) => get(`/v1/services/${service}`, ({ replicas }) => replicas),
    check: (service) => post('/v1/checks', { services: [service] }),
    plan: (service) => get(`/v1/services/${service}/plan`, (json) => [json]),
    roll: (service) => post('/v1/rolls', { service }),
    rollback: (service) => post(`/v1/services/${service}/rollback`, { confirm: service }),
  };
}

function grpc({ serve }: Stage): Front {
  const createConnection = () => connect(serve.socket);
  const transport = createGrpcTransport({ baseUrl: 'http://swapctl', nodeOptions: { createConnection } });
  const { rolls, services } = clientsOf(transport);
  return {
    status: async (service) => ({ document: await replicasOf(services, service) }),
    check: async (service) => ({ document: (await jobOf(rolls.check({ services: [service] }))).checked.services }),
    plan: async (service) => {
      const { plan } = await services.plan({ service });
      return { document: [plain(ServicePlanSchema, plan ?? assert.fail('there is a plan'))] };
    },
    roll: (service) => rolled(rolls.roll({ service })),
    rollback: (service) => rolled(rolls.rollback({ service, confirm: service })),
  };
}

async function replicasOf(services: Clients['services'], name: string): Promise<Json> {
  const { service } = await services.getService({ service: name });
  return plain(ServiceSchema, service ?? assert.fail('there is a service')).replicas;
}

type Events = AsyncIterable<{ readonly event?: JobEvent | undefined }>;

async function jobOf(stream: Events): Promise<Json> {
  const last = (await all(stream)).at(-1);
  return last?.case === 'job' ? plain(JobSchema, last.value) : assert.fail('a stream ends with its job');
}

async function rolled(stream: Events): Promise<Told> {
  try {
    return { document: reportIn(await jobOf(stream)) };
  } catch (raised) {
    const { reason, metadata } = infoOf(ConnectError.from(raised));
    return { document: { error: { code: reason } }, exit: Number(metadata.exit) };
  }
}

function reportIn(job: Json): Json {
  return job.report ?? { outcome: job.outcome, error: job.error };
}

/** A push to the repository of a service is reported; resolves with the report of the roll, or with the refusal to roll. */
async function pushed({ serve }: Stage, service: string): Promise<Told> {
  const before = (await updates(serve)).length;
  const body = { push_data: { tag: 'live' }, repository: { repo_name: `team/${service}` } };
  const { status } = await serve.call(path.posix.join('/hooks', HOOK.name, HOOK.secret), { method: 'POST', body });
  assert.equal(status, 202);
  const job = await eventually('the update that the hook caused is done', async () => {
    const [newest, ...others] = await updates(serve);
    return others.length >= before && newest?.state === 'done' ? newest : undefined;
  });
  assert.equal(job.actor, `hook ${HOOK.name}`);
  const [line] = job.report.services;
  return line.report ? { document: line.report } : { document: {}, declined: line.outcome };
}

async function updates(serve: ServeProcess): Promise<Json[]> {
  return (await serve.call('/v1/rolls?kind=update')).json.rolls;
}
