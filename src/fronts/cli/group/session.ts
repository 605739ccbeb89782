import type { GroupApp } from '../../../app/group/group.ts';
import { untilAborted } from '../../common/aborted.ts';
import { explained } from '../../common/failure.ts';
import { createReporter, isTraced } from '../../terminal/progress/create.ts';
import { announceInterruption, type Intent, type Session } from '../session.ts';

/** Opens the hosts of --on for a command, and closes them in any case. */
export async function withGroup<T>(session: Session, intent: Intent, work: (app: GroupApp) => Promise<T>): Promise<T> {
  const { context, globals } = session;
  const reporter = await createReporter(context.terminal, globals, intent.long);
  const forget = intent.changes ? announceInterruption(context.signal, reporter) : () => {};
  try {
    const app = await context.openGroup({
      on: globals.on ?? '',
      skipUnreachable: globals.skipUnreachable ?? false,
      config: globals.config,
      trace: isTraced(globals, context.terminal.env),
      report: reporter.report,
    });
    try {
      // A change ends at its next boundary, even if the terminal is closed.
      if (intent.changes) context.onAsked(() => {});
      const working = work(app);
      return await (intent.changes ? working : untilAborted(working, context.signal));
    } finally {
      app.close();
    }
  } catch (error) {
    throw explained(error, intent.changes);
  } finally {
    forget();
    reporter.stop();
  }
}
