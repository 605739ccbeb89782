import type { App, RollRequest, UpdateRequest } from '../../app/app.ts';
import type { PastReport } from '../../app/jobs/job.ts';
import { fail, SwapError } from '../../core/model/error.ts';
import type { ServiceReport } from '../../core/report/report.ts';
import type { ReportedError } from '../../core/report/reported-error.ts';
import { toReported } from '../../core/report/reported-error.ts';
import type { ReplicaStatus, ServiceHistory, ServicePlan } from '../../core/report/status.ts';
import type { Checked } from '../../core/update/newer.ts';
import { wordsOf } from '../../core/update/roll-target.ts';
import type { UpdateReport } from '../../core/update/update.ts';
import { serverAddress } from './address.ts';
import { type Connection, connect, pathOf } from './http.ts';
import { type Following, follow, type RemoteJob } from './job.ts';

/** The use cases that a server offers. */
type Remote = Pick<App, 'roll' | 'plan' | 'rollback' | 'history' | 'status' | 'check' | 'update' | 'names' | 'notify'>;

interface ServiceStatus {
  readonly service: string;
  readonly replicas: readonly ReplicaStatus[];
}

/**
 * The use cases through the HTTP API of a server: the same documents and errors as on the engine itself. Any other use case
 * raises `usage`. Raises `usage` for an address that is none. With a clock, each call is reported.
 */
export function remoteApp(
  given: { readonly address: string; readonly token: string | undefined },
  report: Following['report'],
  now?: () => number,
): { app: App; close(): void } {
  const address = serverAddress(given.address);
  const connection = connect(address, given.token, now && { now, report });
  const remote = useCases({ connection, report });
  const app = new Proxy(remote, {
    get: (target, name) => {
      if (typeof name === 'symbol' || name === 'then') return undefined;
      return name in target ? target[name as keyof Remote] : notRemote(address.text);
    },
  });
  return { app: app as App, close: connection.close };
}

function useCases(following: Following): Remote {
  const { connection } = following;
  const keys = (selectors: readonly string[]) => Promise.all(selectors.map((name) => keyOf(connection, name)));
  return {
    roll: async (selectors, request) => {
      const reports: ServiceReport[] = [];
      for (const service of await keys(selectors)) reports.push(await roll(following, service, request));
      return reports;
    },
    rollback: async (selector, request) => {
      const service = await keyOf(connection, selector);
      const { earlier: image, withVolumes } = request;
      const body = { confirm: service, image, withVolumes, settings: request.overrides };
      return rolled(following, service, { path: pathOf(service, '/rollback'), body }, request.signal);
    },
    plan: async (selectors, request) => {
      const { target, pull, force, explain, overrides: settings } = request;
      const body = { ...wordsOf(target), pull, force, explain, settings };
      const planned = async (service: string): Promise<ServicePlan> =>
        (await connection.call({ method: 'POST', path: pathOf(service, '/plan'), body })).document as ServicePlan;
      return Promise.all((await keys(selectors)).map(planned));
    },
    history: (selector) => get<ServiceHistory>(connection, pathOf(selector, '/history')),
    status: async (selectors) => (await services(connection, selectors)).flatMap(({ replicas }) => replicas),
    check: async (selectors, signal) => {
      const body = selectors.length > 0 ? { services: selectors } : {};
      return reportOf(await follow<Checked[]>(following, { path: '/v1/checks', body }, signal));
    },
    update: async (selectors, request) => {
      const begin = { path: '/v1/updates', body: updateBody(selectors, request) };
      return reportOf(await follow<UpdateReport>(following, begin, request.signal));
    },
    names: async () => (await services(connection, [])).map(({ service }) => service),
    // The server sends the notifications of its updates itself.
    notify: async () => [],
  };
}

function roll(following: Following, service: string, request: RollRequest): Promise<ServiceReport> {
  const { target, pull, force, overrides: settings, signal } = request;
  return rolled(
    following,
    service,
    { path: '/v1/rolls', body: { service, ...wordsOf(target), pull, force, settings } },
    signal,
  );
}

// As on the engine itself, the error of a service is in its report, and the next services go on.
async function rolled(
  following: Following,
  service: string,
  begin: { readonly path: string; readonly body: unknown },
  signal: AbortSignal,
): Promise<ServiceReport> {
  try {
    const { report, error } = await follow<PastReport & Partial<ServiceReport>>(following, begin, signal);
    if (!report) return failedReport(service, error ?? NO_REPORT);
    // A server that restarted in the middle does not know the times.
    return { ...report, timings: report.timings ?? { total: 0 } };
  } catch (raised) {
    if (!(raised instanceof SwapError) || !IN_REPORT.includes(raised.code)) throw raised;
    return failedReport(service, toReported(raised));
  }
}

const IN_REPORT: readonly string[] = ['busy', 'refused', 'known-bad', 'no-history'];
const NO_REPORT: ReportedError = { code: 'bad-answer', message: 'the server gave no report of the roll' };

function failedReport(service: string, error: ReportedError): ServiceReport {
  return { service, outcome: 'failed', timings: { total: 0 }, error };
}

function reportOf<T>({ report, error }: RemoteJob<T>): T {
  if (report !== undefined) return report;
  const { code, message, ...options } = error ?? NO_REPORT;
  throw new SwapError(code, message, options);
}

async function services(connection: Connection, selectors: readonly string[]): Promise<readonly ServiceStatus[]> {
  if (selectors.length > 0) return Promise.all(selectors.map((name) => get<ServiceStatus>(connection, pathOf(name))));
  return (await get<{ readonly services: readonly ServiceStatus[] }>(connection, '/v1/services')).services;
}

async function keyOf(connection: Connection, selector: string): Promise<string> {
  return (await get<ServiceStatus>(connection, pathOf(selector))).service;
}

async function get<T>(connection: Connection, path: string): Promise<T> {
  return (await connection.call({ path })).document as T;
}

function updateBody(selectors: readonly string[], { all, dryRun, overrides }: UpdateRequest): object {
  return { ...(selectors.length > 0 ? { services: selectors } : {}), all, dryRun, settings: overrides };
}

function notRemote(server: string): never {
  return fail('usage', `this command does not work through a server (${server})`, {
    hint: 'run it on the host itself, without --server and SWAPCTL_SERVER',
  });
}
