import { fail } from '../../core/model/error.ts';
import { concernsOf, type ServiceReport } from '../../core/report/report.ts';
import type { ReportedError } from '../../core/report/reported-error.ts';
import { runOf } from '../../core/report/summary.ts';
import { gravest, statusOfErrors } from '../common/failure.ts';
import type { DevFlags, RollFlags, UpdateFlags, WatchFlags } from '../common/requests.ts';
import { jsonText } from '../terminal/json.ts';
import { completableNames } from './completion/script.ts';
import type { TestHookFlags } from './serve/test-hook.ts';
import { type Session, serverOf, show, withApp } from './session.ts';

// The action of each command, from its arguments to its exit status.

// Settings and their readers are loaded only if there are any.
const requests = () => import('../common/requests.ts');
// With the width of letters, which only tables need.
const views = () => import('./render.ts');

/** The views of `swapctl config`. */
export const CONFIG_VIEWS = ['check', 'show', 'schema', 'test-notify', 'test-hook'] as const;

export type ConfigView = (typeof CONFIG_VIEWS)[number];
const group = () => import('./group/actions.ts');
const isOnGroup = ({ globals }: Session): boolean => globals.on !== undefined;

/** Rolls services, sends the requested notifications, and prints the reports. */
export async function runRoll(session: Session, services: string[], flags: RollFlags): Promise<number> {
  if (isOnGroup(session)) return (await group()).rollOn(session, services, flags);
  const { rollRequest } = await requests();
  const request = rollRequest(flags, 'swapctl roll', session.context.signal);
  if (flags.notify && serverOf(session.context, session.globals))
    fail('usage', '--notify does not work through a server', {
      hint: 'leave it out; the server notifies of its updates',
    });
  const reports = await withApp(session, { changes: true, long: true }, async (app) => {
    const rolled = await app.roll(services, request);
    if (flags.notify) await app.notify(runOf(rolled), { signal: notifySignal(session.context.signal), asked: true });
    return rolled;
  });
  show(session, reports, (await views()).reportsView, oneOrAll(services, reports));
  return statusOfErrors(reports.flatMap(errorsOf));
}

// An interrupted roll deserves a notification; only an interruption during the sending ends that.
function notifySignal(signal: AbortSignal): AbortSignal {
  return signal.aborted ? new AbortController().signal : signal;
}

/** Prints the steps of a roll without doing them. */
export async function runPlan(session: Session, services: string[], flags: RollFlags): Promise<number> {
  if (isOnGroup(session)) return (await group()).planOn(session, services, flags);
  const { rollRequest } = await requests();
  const request = rollRequest(flags, 'swapctl plan', session.context.signal);
  const plans = await withApp(session, { changes: false, long: true }, (app) => app.plan(services, request));
  show(session, plans, (await views()).plansView, oneOrAll(services, plans));
  return statusOfErrors(plans.flatMap((plan) => plan.slots.map((slot) => slot.error)));
}

/** Rolls a service back and prints its report. */
export async function runRollback(session: Session, service: string, flags: RollFlags): Promise<number> {
  if (isOnGroup(session)) return (await group()).rollbackOn(session, service, flags);
  const { rollbackRequest } = await requests();
  const request = rollbackRequest(flags, 'swapctl rollback', session.context.signal);
  const report = await withApp(session, { changes: true, long: true }, (app) => app.rollback(service, request));
  show(session, [report], (await views()).reportsView, report);
  return statusOfErrors(errorsOf(report));
}

/** Prints the state of services. */
export async function runStatus(session: Session, services: string[]): Promise<number> {
  if (isOnGroup(session)) return (await group()).statusOn(session, services);
  show(session, await withApp(session, READS, (app) => app.status(services)), (await views()).statusView);
  return 0;
}

/**
 * Prints available updates. 10: there are updates, even if other checks failed; else the gravest error (5: a registry was out of
 * reach, 2: a label is wrong); 0: everything is up to date.
 */
export async function runCheck(session: Session, services: string[]): Promise<number> {
  if (isOnGroup(session)) return (await group()).checkOn(session, services);
  const { signal } = session.context;
  const checked = await withApp(session, READS, (app) => app.check(services, signal));
  show(session, checked, (await views()).checkView);
  if (checked.some(({ outcome }) => outcome === 'available')) return UPDATES;
  return statusOfErrors(checked.map(({ error }) => error));
}

const UPDATES = 10;
const NOT_NOTIFIED = 5;

/** Rolls services with a newer image and an open window, and prints the result of each service. */
export async function runUpdate(session: Session, services: string[], flags: UpdateFlags): Promise<number> {
  if (isOnGroup(session)) return (await group()).updateOn(session, services, flags);
  const { updateRequest } = await requests();
  const request = updateRequest(flags, 'swapctl update', session.context.signal);
  const intent = { changes: !request.dryRun, long: true };
  const updating = () =>
    withApp(session, intent, async (app) => {
      const updated = await app.update(services, request);
      if (!request.dryRun) await app.notify(updated, { signal: notifySignal(session.context.signal) });
      return updated;
    });
  const { metricsFile: file } = flags;
  const whole = services.length === 0;
  const report = await (file === undefined
    ? updating()
    : (await import('./metrics-file.ts')).withMetrics(session, { file, whole }, updating));
  show(session, report, (await views()).updateView);
  return statusOfErrors(report.services.map(({ error }) => error));
}

/** Checks and rolls services on their schedules, and logs events, until it is ended. */
export async function runWatch(session: Session, services: string[], flags: WatchFlags): Promise<number> {
  const [{ watchRequest }, { startWatch }] = await Promise.all([requests(), import('./watch.ts')]);
  await startWatch(session, services, watchRequest(flags, 'swapctl watch'), flags.heartbeat);
  return 0;
}

/** Builds and rolls changes until it is ended; a failed rollback decides the exit status. */
export async function runDev(session: Session, services: string[], flags: DevFlags): Promise<number> {
  if (flags.git !== undefined) return runGit(session, services, flags);
  const [{ devRequest }, { startDev }] = await Promise.all([requests(), import('./dev.ts')]);
  const request = devRequest(services, flags, 'swapctl dev', session.context.folder());
  const reports = await startDev(session, request);
  return statusOfErrors(reports.flatMap(errorsOf));
}

async function runGit(session: Session, services: string[], flags: DevFlags): Promise<number> {
  const [{ gitRequest }, { startWatch }] = await Promise.all([requests(), import('./watch.ts')]);
  const request = gitRequest(flags, 'swapctl dev');
  const known = flags.git === true ? await withApp(session, READS, (app) => app.dev.repository(services)) : undefined;
  const overrides = { ...request.overrides, ...(known === undefined ? {} : { 'build.git': known }) };
  await startWatch(session, services, { overrides }, undefined);
  return 0;
}

/** Prints the images of a service. */
export async function runHistory(session: Session, service: string): Promise<number> {
  if (isOnGroup(session)) return (await group()).historyOn(session, service);
  show(session, await withApp(session, READS, (app) => app.history(service)), (await views()).historyView);
  return 0;
}

/** Finishes or undoes interrupted rolls, and prints the results: 3 if something failed, 4 if another process is still working. */
export async function runRecover(session: Session, services: string[]): Promise<number> {
  if (isOnGroup(session)) return (await group()).recoverOn(session, services);
  const intent = { changes: true, long: true };
  const items = await withApp(session, intent, (app) => app.recover(services, session.context.signal));
  show(session, items, (await views()).recoveredView);
  return gravest(items.map(({ outcome }) => (outcome === 'failed' ? 3 : outcome === 'busy' ? 4 : 0)));
}

/** Prints the findings about engine and machine: 3 if there is a problem. */
export async function runDoctor(session: Session): Promise<number> {
  if (isOnGroup(session)) return (await group()).doctorOn(session);
  const findings = await withApp(session, READS, (app) => app.doctor());
  show(session, findings, (await views()).findingsView);
  return findings.some((finding) => finding.state === 'problem') ? 3 : 0;
}

/**
 * Prints the mistakes in swapctl.yml (2 if there are any), its settings, its schema, the results of a test notification (5 if one
 * failed), or the effect of a message to a hook.
 */
export async function runConfig(
  session: Session,
  view: ConfigView,
  hook: string | undefined,
  flags: TestHookFlags,
): Promise<number> {
  const { context, globals } = session;
  if (view === 'test-hook') return (await import('./serve/test-hook.ts')).runTestHook(session, hook, flags);
  if (hook !== undefined || flags.file !== undefined || flags.header !== undefined)
    return fail('usage', `config ${view} takes no hook, --file or --header`, { hint: 'they belong to test-hook' });
  const desk = await context.openConfig(globals.config === undefined ? {} : { config: globals.config });
  switch (view) {
    case 'check': {
      const found = await desk.check();
      show(session, found, (await views()).configCheckView);
      return found.mistakes.length > 0 ? 2 : 0;
    }
    case 'show': {
      const shown = await desk.show();
      show(session, shown, (await views()).configShownView, shown.document);
      return 0;
    }
    case 'test-notify': {
      const deliveries = await desk.testNotify(context.signal);
      show(session, deliveries, (await views()).deliveriesView);
      return deliveries.some(({ outcome }) => outcome === 'failed') ? NOT_NOTIFIED : 0;
    }
    case 'schema': {
      const schema = await desk.schema();
      context.terminal.stdout(jsonText(schema, { stdoutIsTty: true }));
      return 0;
    }
  }
}

/** Prints the names for shell completion, one per line. */
export async function runNames(session: Session): Promise<number> {
  const names = await withApp(session, READS, (app) => app.names());
  session.context.terminal.stdout(
    completableNames(names)
      .map((name) => `${name}\n`)
      .join(''),
  );
  return 0;
}

const READS = { changes: false, long: false };

// A script that rolls one service gets its report without a list; the number of services requested decides, not the number of
// results.
function oneOrAll(asked: readonly string[], documents: readonly unknown[]): unknown {
  return asked.length === 1 ? documents[0] : documents;
}

function errorsOf(report: ServiceReport): ReportedError[] {
  return [report, ...(report.replicas ?? [])].flatMap(concernsOf);
}
