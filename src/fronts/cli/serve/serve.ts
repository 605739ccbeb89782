import { randomBytes } from 'node:crypto';
import type { UpdateRequest } from '../../../app/app.ts';
import { parseListen } from '../../../core/access/listen.ts';
import type { ServerConfig } from '../../../core/access/server-config.ts';
import { recordUpdate } from '../../../core/metrics/record.ts';
import { fail } from '../../../core/model/error.ts';
import type { Progress } from '../../../core/report/progress.ts';
import type { UpdateReport } from '../../../core/update/update.ts';
import type { WatchLog } from '../../../daemons/log.ts';
import { eachHeartbeat, writeHeartbeats } from '../../../daemons/watch/heartbeat.ts';
import { watch } from '../../../daemons/watch/watch.ts';
import { openServer, type Server } from '../../server/serve.ts';
import { progressTo } from '../../terminal/log.ts';
import { isTraced } from '../../terminal/progress/create.ts';
import { openApp, type Session } from '../session.ts';
import { logOf } from '../watch.ts';

/** The options of `serve` that configure the server, as they were written. */
export interface ServerFlags {
  readonly listen?: readonly string[];
  readonly tokens?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsCa?: string;
}

/** Watches, and answers the API, until the program is interrupted. */
export async function startServe(
  session: Session,
  selectors: readonly string[],
  request: Pick<UpdateRequest, 'all' | 'overrides'>,
  flags: ServerFlags & { readonly heartbeat?: string },
): Promise<void> {
  const { context } = session;
  const { now, env, stderr } = context.terminal;
  const log = logOf(session);
  const clock = { now, sleep: context.sleep };
  const server = await openServer({
    version: context.version,
    config: serverConfig(await configured(session), flags),
    open: (report) => openApp(session, report),
    selectors,
    log,
    report: progressOf(log, isTraced(session.globals, env)),
    auditSink: (line) => void stderr.write(line),
    clock,
    request,
    newId: () => randomBytes(6).toString('hex'),
    signal: context.signal,
  });
  const file = flags.heartbeat || env.SWAPCTL_HEARTBEAT;
  if (file) void writeHeartbeats(file, { clock, log, signal: context.signal });
  void eachHeartbeat({ clock, signal: context.signal }, (at) =>
    server.metrics.set('swapctl_watch_heartbeat_timestamp_seconds', {}, at / 1000),
  );
  const closing = closedBy(context.signal, server);
  try {
    await watch({
      open: () => openRecovered(session, server),
      clock,
      dice: Math.random,
      log,
      signal: context.signal,
      onAsked: (asked) => context.onAsked(alsoReloading(server, asked)),
      tidy: context.tidy,
      selectors,
      onUpdate: (report) => recordUpdated(server, report, now()),
      perService: server.perService,
      request,
    });
  } finally {
    await closing.now();
  }
}

// Several jobs may be at work at the same time. A trace has lines that name no service, so there each line names its job.
function progressOf(log: WatchLog, traced: boolean): (progress: Progress, job: string | undefined) => void {
  const report = progressTo(log, traced);
  return (progress, job) => {
    if (job === undefined) return report(progress);
    const tell: WatchLog['write'] = (level, text, facts) =>
      log.write(level, traced ? `${job}: ${text}` : text, { job, ...facts });
    progressTo({ write: tell }, traced)(progress);
  };
}

async function configured({ context, globals }: Session): Promise<ServerConfig> {
  const desk = await context.openConfig(globals.config === undefined ? {} : { config: globals.config });
  return desk.server();
}

function serverConfig(file: ServerConfig, { listen, tokens, tlsCert, tlsKey, tlsCa }: ServerFlags): ServerConfig {
  const cert = tlsCert ?? file.tls?.cert;
  const key = tlsKey ?? file.tls?.key;
  if ((cert === undefined) !== (key === undefined))
    fail('usage', '--tls-cert and --tls-key go together', { hint: 'see swapctl serve --help' });
  const ca = tlsCa ?? file.tls?.ca;
  return {
    ...file,
    listen: listen?.map(parseListen) ?? file.listen,
    tokens: tokens ?? file.tokens,
    tls: cert === undefined || key === undefined ? undefined : { cert, key, ca },
  };
}

type OnAsked = Parameters<Session['context']['onAsked']>[0];

// SIGHUP reloads everything that the server has read: swapctl.yml, and the TLS files.
function alsoReloading(server: Server, asked: OnAsked): OnAsked {
  return (what) => {
    if (what === 'reload') void server.reload();
    asked(what);
  };
}

// Recovers the rolls of an earlier server first: the watch would only see busy services.
async function openRecovered(session: Session, server: Server): ReturnType<typeof openApp> {
  const opened = await openApp(session, server.report);
  try {
    await server.recover();
    return opened;
  } catch (raised) {
    opened.close();
    throw raised;
  }
}

// Its rolls are jobs, which record them.
function recordUpdated({ metrics }: Server, report: UpdateReport, at: number): void {
  const services = report.services.map(({ report: _, ...line }) => line);
  recordUpdate(metrics, { ...report, services }, { trigger: 'schedule', at, whole: false });
}

// The jobs end together with the roll of the watch, not after it.
function closedBy(signal: AbortSignal, server: Server): { now(): Promise<void> } {
  let closing: Promise<void> | undefined;
  const now = (): Promise<void> => {
    closing ??= server.close();
    return closing;
  };
  signal.addEventListener('abort', () => void now().catch(() => {}), { once: true });
  return { now };
}
