import type { UpdateRequest } from '../../app.ts';
import { jsonLog, type Level, lineLog, progressTo } from '../watch/log.ts';
import { watch } from '../watch/watch.ts';
import { openApp, type Session } from './session.ts';
import { styleFor } from './style.ts';

/** Watches until the program is interrupted; what happens is logged on stdout, for a watch's results are that. */
export function startWatch(
  session: Session,
  selectors: readonly string[],
  request: Pick<UpdateRequest, 'all' | 'overrides'>,
): Promise<void> {
  const { context, globals } = session;
  const { stdout, stdoutIsTty, env, now } = context.terminal;
  const least: Level = globals.quiet ? 'warn' : globals.verbose ? 'debug' : 'info';
  const style = styleFor(stdoutIsTty, env, globals.color);
  const log = globals.json ? jsonLog(stdout, least) : lineLog(stdout, least, style, now);
  return watch({
    open: () => openApp(session, progressTo(log)),
    clock: { now, sleep: context.sleep },
    dice: Math.random,
    log,
    signal: context.signal,
    onAsked: context.onAsked,
    selectors,
    request,
  });
}
