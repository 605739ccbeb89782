import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { App, UpdateRequest } from '../../app/app.ts';
import { JobBook } from '../../app/jobs/book.ts';
import type { Job } from '../../app/jobs/job.ts';
import type { ServerActor } from '../../core/access/actors.ts';
import { type Listen, USUAL_SOCKET } from '../../core/access/listen.ts';
import { type ServerConfig, whyNotListen } from '../../core/access/server-config.ts';
import { Metrics } from '../../core/metrics/metrics.ts';
import { recordAsked } from '../../core/metrics/record.ts';
import { fail, messageOf } from '../../core/model/error.ts';
import type { PerService } from '../../core/report/call.ts';
import type { Progress } from '../../core/report/progress.ts';
import { type AuditSink, auditFile, createAudit } from './access/audit.ts';
import { NO_ADDRESS, noteJob, noteRecovered } from './access/audit-job.ts';
import { earlierJobIn } from './access/audited-jobs.ts';
import { createGatekeeper } from './access/authenticate.ts';
import { openTokens } from './access/token-file.ts';
import { type Door, doorTo } from './door.ts';
import { grpcGate } from './grpc-gate.ts';
import { httpApi } from './http/app.ts';
import { measureJobs } from './http/measures.ts';
import { currentJob, withinJob } from './job-context.ts';
import { type Answering, type Listeners, listenOn } from './listen/listeners.ts';
import { EventHub } from './operations/event-hub.ts';
import { idempotencyKeys } from './operations/idempotency.ts';
import { sharedLook } from './operations/shared-look.ts';
import type { ServerLog, ServerWorld } from './world.ts';

type Report = (progress: Progress) => void;

/** The environment of a server. */
export interface ServeWorld {
  readonly version: string;
  readonly config: ServerConfig;
  readonly open: (report: Report) => Promise<{ app: App; close(): void }>;
  readonly log: ServerLog;
  /** The sink of the audit log if it has no file. */
  readonly auditSink: AuditSink;
  /** The watched services, as the user named them; none: all. Only their interrupted rolls are finished or undone. */
  readonly selectors: readonly string[];
  readonly request: Pick<UpdateRequest, 'all' | 'overrides'>;
  /** Gets all progress, with the job that it belongs to. */
  readonly report: (progress: Progress, job: string | undefined) => void;
  readonly clock: { now(): number; sleep(ms: number, signal: AbortSignal): Promise<void> };
  readonly newId: () => string;
  /** Ends the server. */
  readonly signal: AbortSignal;
}

export interface Server {
  readonly book: JobBook;
  /** Makes a job of each roll that this process begins by itself, and notes it in the audit log. */
  perService(actor: ServerActor): PerService;
  /** Gets the progress of a use case that this process runs outside of the API. */
  readonly report: Report;
  readonly metrics: Metrics;
  readonly addresses: readonly string[];
  /** Finishes or undoes interrupted rolls, each once; resolves when that is done. Raises `engine-unreachable`. */
  recover(): Promise<void>;
  /** Reads the TLS files again. The log names the mistake, and the previous certificate stays in force. */
  reload(): Promise<void>;
  /** Ends the jobs at their next safe points, and the connections after that. */
  close(): Promise<void>;
}

const GRACE_MS = 2000;

/** Opens the API on its addresses. Raises `config` for a forbidden address, and for unusable files. */
export async function openServer(given: ServeWorld): Promise<Server> {
  const { config, log, clock, newId, version, signal, selectors, request } = given;
  const { now } = clock;
  const addresses = config.listen.length > 0 ? config.listen : [USUAL];
  for (const address of addresses) mustBeSafe(address, config);
  const note = (text: string): void => log.write('warn', text);
  const tokens = config.tokens === undefined ? undefined : await openTokens(config.tokens, note);
  const metrics = new Metrics();
  const reported: Report = (progress) => given.report(progress, currentJob());
  const resumes = (key: string): boolean => isNamed(key, selectors);
  const earlier = (id: string) => earlierJobIn(config.audit, id, note);
  const sink = config.audit === undefined ? given.auditSink : auditFile(config.audit);
  const audit = createAudit(sink, note);
  const report: Report = (progress) => {
    recordAsked(metrics, progress);
    noteRecovered({ audit, now }, progress);
    reported(progress);
  };
  const door = doorTo(() => given.open(report));
  const noteOwn = (job: Job, what: string = job.kind): void =>
    noteJob({ book, audit, now }, { who: job.actor, by: 'server', from: NO_ADDRESS }, job, { what });
  const onResume = (job: Job): void => noteOwn(job, 'recover');
  const own = { use: door.use, now, newId, resumes, earlier, onResume };
  const book: JobBook = new JobBook({ ...own, within: withinJob, report: reported });
  book.subscribe((job, step) => {
    if (step === undefined && job.state === 'done') logEnd(log, job);
  });
  const ending = endingWith(signal);
  const gate = createGatekeeper(config, tokens);
  metrics.set('swapctl_build_info', { version, node: process.version.replace(/^v/, '') }, 1);
  measureJobs(book, metrics, now);
  const { trustProxy } = config;
  const watched = { selectors, request };
  const core = { version, book, use: door.use, gate, audit, log, metrics, now, clock };
  const world: ServerWorld = { ...core, trustProxy, watched, signal: ending.signal };
  const hub = new EventHub(book, randomBytes(4).toString('hex'));
  const statuses = sharedLook(() => world.use((app) => app.status([])), now);
  world.book.subscribe(statuses.forget);
  const site = { world, keys: idempotencyKeys(now), hub, statuses: statuses.look };
  const api = httpApi(site);
  const answering: Answering = {
    fetch: (request, bindings) => api.fetch(request, bindings),
    grpc: config.grpc ? grpcGate(site, config) : () => false,
  };
  const listeners = await listenOn(addresses, config, answering, log);
  for (const address of listeners.addresses) log.write('info', `listening on ${address}`, { address });
  return {
    book,
    perService: (actor) => book.perService(actor, noteOwn),
    report,
    metrics,
    addresses: listeners.addresses,
    recover: async () => {
      await Promise.all((await book.resume()).map(({ done }) => done));
    },
    reload: () => listeners.reload(),
    close: () => closeAll(book, listeners, door, ending),
  };
}

function endingWith(signal: AbortSignal): AbortController {
  const ending = new AbortController();
  // Each stream listens.
  setMaxListeners(0, ending.signal);
  signal.addEventListener('abort', () => ending.abort());
  return ending;
}

function isNamed(key: string, selectors: readonly string[]): boolean {
  return selectors.length === 0 || selectors.some((name) => key === name || key.endsWith(`/${name}`));
}

function logEnd(log: ServerLog, { id, kind, service, actor, outcome = 'failed', error }: Job): void {
  const why = error ? `: ${error.message}` : '';
  const text = `${kind}${service ? ` of ${service}` : ''} by ${actor}: ${outcome}${why}`;
  log.write(outcome === 'failed' ? 'error' : 'info', text, { job: id, kind, service, actor, outcome });
}

const USUAL: Listen = { kind: 'unix', path: USUAL_SOCKET };

function mustBeSafe(address: Listen, config: ServerConfig): void {
  const why = whyNotListen(address, config);
  if (why === undefined) return;
  fail('config', why, {
    hint: 'run swapctl token create NAME --allow SCOPES, put its line into a file, and name that as server.tokens in swapctl.yml',
  });
}

async function closeAll(book: JobBook, listeners: Listeners, door: Door, ending: AbortController): Promise<void> {
  ending.abort();
  await Promise.all([book.end(), listeners.close(GRACE_MS)]).catch((error) => fail('attention', messageOf(error)));
  door.close();
}
