import type { App } from '../../app/app.ts';
import { fail } from '../../core/model/error.ts';
import { interrupted, untilAborted } from '../common/aborted.ts';
import { explained } from '../common/failure.ts';
import { jsonText } from '../terminal/json.ts';
import { createReporter, isTraced } from '../terminal/progress/create.ts';
import type { Reporter } from '../terminal/progress/reporter.ts';
import { sanitize } from '../terminal/sanitize.ts';
import { type Page, pageFor } from '../terminal/style.ts';
import type { Report } from '../terminal/terminal.ts';
import type { CliContext } from './context.ts';

/** The options that every command has. */
export interface Globals {
  readonly host?: string;
  readonly context?: string;
  readonly server?: string;
  readonly on?: string;
  readonly skipUnreachable?: boolean;
  readonly config?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly trace?: boolean;
  readonly color: boolean;
}

/** One run of the command line. */
export interface Session {
  readonly context: CliContext;
  readonly globals: Globals;
}

/** The use of the engine by a command. */
export interface Intent {
  /** True: it may change something: then an interruption lets it come to a safe end; else it ends at once. */
  readonly changes: boolean;
  /** True: it takes long enough to show progress. */
  readonly long: boolean;
}

/** Opens the engine for a command, and closes it in any case. */
export async function withApp<T>(session: Session, intent: Intent, work: (app: App) => Promise<T>): Promise<T> {
  const reporter = await createReporter(session.context.terminal, session.globals, intent.long);
  const forget = intent.changes ? announceInterruption(session.context.signal, reporter) : () => {};
  try {
    return await withOpenApp(session, intent, reporter, work);
  } catch (error) {
    throw explained(error, intent.changes);
  } finally {
    forget();
    reporter.stop();
  }
}

/** Prints a result on stdout: the document with `--json`, else the view of the same data. */
export function show<T>(
  { context, globals }: Session,
  data: T,
  view: (data: T, page: Page) => string[],
  document: unknown = data,
): void {
  const { terminal } = context;
  const lines = (): string[] => view(sanitize(data), pageFor(terminal, globals.color)).map((line) => `${line}\n`);
  terminal.stdout(globals.json ? jsonText(document, terminal) : lines().join(''));
}

async function withOpenApp<T>(
  session: Session,
  intent: Intent,
  reporter: Reporter,
  work: (app: App) => Promise<T>,
): Promise<T> {
  const { context } = session;
  const { app, close } = await openUnlessAborted(session, reporter);
  try {
    // Half-done work continues to its end, even if the terminal is closed.
    if (intent.changes) context.onAsked(() => {});
    const working = work(app);
    return await (intent.changes ? working : untilAborted(working, context.signal));
  } finally {
    close();
  }
}

/** Connects a daemon to the engine that the options name. Raises `usage` for a server, which is itself the daemon. */
export async function openApp(session: Session, report: Report): ReturnType<CliContext['openApp']> {
  if (serverOf(session.context, session.globals))
    return fail('usage', 'this command does not work through a server', {
      hint: 'run it without --server and SWAPCTL_SERVER',
    });
  return open(session, report);
}

function open({ context, globals }: Session, report: Report): ReturnType<CliContext['openApp']> {
  const { host, context: name, config } = globals;
  const server = serverOf(context, globals);
  return context.openApp({
    ...(server === undefined ? {} : { server }),
    ...(host === undefined ? {} : { host }),
    ...(name === undefined ? {} : { context: name }),
    ...(config === undefined ? {} : { config }),
    trace: isTraced(globals, context.terminal.env),
    report,
  });
}

/** The server that runs the command, from --server or SWAPCTL_SERVER; undefined: this process uses the engine itself. */
export function serverOf(
  { terminal: { env } }: Pick<CliContext, 'terminal'>,
  { server, host, context }: Pick<Globals, 'server' | 'host' | 'context'>,
): { readonly address: string; readonly token: string | undefined } | undefined {
  // An engine on the command line overrides the environment.
  const elsewhere = host !== undefined || context !== undefined;
  const address = server ?? (elsewhere ? undefined : env.SWAPCTL_SERVER || undefined);
  return address === undefined ? undefined : { address, token: env.SWAPCTL_TOKEN || undefined };
}

async function openUnlessAborted(session: Session, { report }: Reporter): ReturnType<CliContext['openApp']> {
  const { context } = session;
  if (context.signal.aborted) return interrupted();
  const opening = open(session, report);
  try {
    return await untilAborted(opening, context.signal);
  } catch (error) {
    opening.then(({ close }) => close()).catch(() => {});
    throw error;
  }
}

/** Prints a note as soon as a user interrupts. The result ends that. */
export function announceInterruption(signal: AbortSignal, { report }: Reporter): () => void {
  const tell = (): void => {
    report({
      kind: 'note',
      text: 'interrupted: it ends at the next safe point; once more stops it at once',
    });
  };
  signal.addEventListener('abort', tell, { once: true });
  return () => signal.removeEventListener('abort', tell);
}
