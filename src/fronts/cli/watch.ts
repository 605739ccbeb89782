import type { UpdateRequest, WatchedApp } from '../../app/app.ts';
import type { WatchLog } from '../../daemons/log.ts';
import { writeHeartbeats } from '../../daemons/watch/heartbeat.ts';
import { watch } from '../../daemons/watch/watch.ts';
import { jsonLog, lineLog, progressTo } from '../terminal/log.ts';
import { isTraced, leastLevel } from '../terminal/progress/create.ts';
import { styleFor } from '../terminal/style.ts';
import type { Report } from '../terminal/terminal.ts';
import { openApp, type Session } from './session.ts';

/** Watches until the program is interrupted; the log is its result, so it goes to stdout. */
export function startWatch(
  session: Session,
  selectors: readonly string[],
  request: Pick<UpdateRequest, 'all' | 'overrides'>,
  heartbeat: string | undefined,
): Promise<void> {
  const { context, globals } = session;
  const { env, now } = context.terminal;
  const log = logOf(session);
  const clock = { now, sleep: context.sleep };
  const file = heartbeat || env.SWAPCTL_HEARTBEAT;
  if (file) void writeHeartbeats(file, { clock, log, signal: context.signal });
  return watch({
    open: () => openWatched(session, progressTo(log, isTraced(globals, env))),
    clock,
    dice: Math.random,
    log,
    signal: context.signal,
    onAsked: context.onAsked,
    tidy: context.tidy,
    selectors,
    request,
  });
}

async function openWatched(session: Session, report: Report): Promise<{ app: WatchedApp; close(): void }> {
  const { context, globals } = session;
  const { on, skipUnreachable = false, config } = globals;
  if (on === undefined) return openApp(session, report);
  const trace = isTraced(globals, context.terminal.env);
  const { watched: app, close } = await context.openGroup({ on, skipUnreachable, config, trace, report });
  return { app, close };
}

/** The log of a daemon on stdout, in the format of the options. */
export function logOf({ context, globals }: Session): WatchLog {
  const { stdout, stdoutIsTty, env, now } = context.terminal;
  const least = leastLevel(globals, env);
  const style = styleFor(stdoutIsTty, env, globals.color);
  return globals.json ? jsonLog(stdout, least) : lineLog(stdout, least, style, now);
}
