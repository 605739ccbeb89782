import type { ServiceReport } from '../../core/report/report.ts';
import { type DevRequest, develop } from '../../daemons/dev/dev.ts';
import type { WatchLog } from '../../daemons/log.ts';
import { explained } from '../common/failure.ts';
import { jsonLog, lineLog, progressTo } from '../terminal/log.ts';
import { createReporter, isTraced, leastLevel } from '../terminal/progress/create.ts';
import { styleFor } from '../terminal/style.ts';
import type { Report } from '../terminal/terminal.ts';
import { openApp, type Session } from './session.ts';

/**
 * Develops until the program is interrupted. Events go to stdout, the progress of builds and rolls to stderr; with `--json` each
 * is one document per line.
 */
export async function startDev(session: Session, request: DevRequest): Promise<ServiceReport[]> {
  const { context } = session;
  const { log, report, stop } = await outputs(session);
  const { app, close } = await openApp(session, report);
  try {
    const clock = { now: context.terminal.now, sleep: context.sleep };
    return await develop({ desk: app.dev, clock, log, signal: context.signal }, request);
  } catch (error) {
    throw explained(error, false);
  } finally {
    stop();
    close();
  }
}

async function outputs({ context, globals }: Session): Promise<{ log: WatchLog; report: Report; stop(): void }> {
  const { terminal } = context;
  const least = leastLevel(globals, terminal.env);
  if (globals.json) {
    const log = jsonLog(terminal.stdout, least);
    return { log, report: progressTo(log, isTraced(globals, terminal.env)), stop: () => {} };
  }
  const style = styleFor(terminal.stdoutIsTty, terminal.env, globals.color);
  const { report, aside, stop } = await createReporter(terminal, globals, true);
  const write = (text: string): void => aside(() => terminal.stdout(text));
  return { log: lineLog(write, least, style, terminal.now), report, stop };
}
