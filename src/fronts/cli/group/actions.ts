import type { GroupAnswer, GroupReport } from '../../../core/group/report.ts';
import { groupConcerns } from '../../../core/group/report.ts';
import { groupRun, updateRun } from '../../../core/group/run.ts';
import { fail } from '../../../core/model/error.ts';
import type { ReportedError } from '../../../core/report/reported-error.ts';
import { gravest, statusOfErrors } from '../../common/failure.ts';
import {
  type RollFlags,
  rollbackRequest,
  rollRequest,
  type UpdateFlags,
  updateRequest,
} from '../../common/requests.ts';
import { type Session, show } from '../session.ts';
import { withGroup } from './session.ts';
import {
  checksView,
  findingsOnView,
  groupReportsView,
  historiesView,
  plansOnView,
  recoveredOnView,
  statusesView,
  updatesView,
} from './views.ts';

// The commands with --on, from their arguments to their exit status.

const CHANGES = { changes: true, long: true };
const READS = { changes: false, long: false };
const UPDATES = 10;

/** Rolls services on all hosts, and prints a report for each service. */
export async function rollOn(session: Session, services: string[], flags: RollFlags): Promise<number> {
  const request = rollRequest(flags, 'swapctl roll', session.context.signal);
  const reports = await withGroup(session, CHANGES, async (app) => {
    const rolled = await app.roll(services, request);
    if (flags.notify) await app.notify(groupRun(rolled), { signal: NEVER, asked: true });
    return rolled;
  });
  return showReports(session, reports, services.length === 1);
}

/** Rolls a service back on all hosts that run a later image, and prints the report. */
export async function rollbackOn(session: Session, service: string, flags: RollFlags): Promise<number> {
  const request = rollbackRequest(flags, 'swapctl rollback', session.context.signal);
  return showReports(session, [await withGroup(session, CHANGES, (app) => app.rollback(service, request))], true);
}

const NEVER = new AbortController().signal;

function showReports(session: Session, reports: readonly GroupReport[], single: boolean): number {
  show(session, reports, groupReportsView, single ? reports[0] : reports);
  return statusOfErrors(reports.flatMap(groupConcerns));
}

/** Prints the steps of a roll on each host. */
export async function planOn(session: Session, services: string[], flags: RollFlags): Promise<number> {
  const request = rollRequest(flags, 'swapctl plan', session.context.signal);
  const answer = await withGroup(session, { changes: false, long: true }, (app) => app.plan(services, request));
  show(session, answer, plansOnView);
  return answerStatus(answer, (plans) => plans.flatMap(({ slots }) => slots.map(({ error }) => error)));
}

/** Prints the state of services on all hosts. */
export async function statusOn(session: Session, services: string[]): Promise<number> {
  const answer = await withGroup(session, READS, (app) => app.status(services));
  show(session, answer, statusesView);
  return answerStatus(answer, () => []);
}

/** Prints available updates on each host; 10: there are updates. */
export async function checkOn(session: Session, services: string[]): Promise<number> {
  const { signal } = session.context;
  const answer = await withGroup(session, READS, (app) => app.check(services, signal));
  show(session, answer, checksView);
  if (answer.hosts.some(({ report }) => report?.some(({ outcome }) => outcome === 'available'))) return UPDATES;
  return answerStatus(answer, (lines) => lines.map(({ error }) => error));
}

/** Updates the services that are due on all hosts, and prints the result of each service on each host. */
export async function updateOn(session: Session, services: string[], flags: UpdateFlags): Promise<number> {
  if (flags.metricsFile !== undefined)
    fail('usage', '--metrics-file does not work with --on', { hint: 'run swapctl update on the host itself' });
  const request = updateRequest(flags, 'swapctl update', session.context.signal);
  const answer = await withGroup(session, { changes: !request.dryRun, long: true }, async (app) => {
    const updated = await app.update(services, request);
    if (!request.dryRun) await app.notify(updateRun(updated), { signal: NEVER });
    return updated;
  });
  show(session, answer, updatesView);
  return answerStatus(answer, (report) => report.services.map(({ error }) => error));
}

/** Prints the images of a service on each host. */
export async function historyOn(session: Session, service: string): Promise<number> {
  const answer = await withGroup(session, READS, (app) => app.history(service));
  show(session, answer, historiesView);
  return answerStatus(answer, () => []);
}

/** Recovers all hosts, and continues the interrupted rolls of groups. */
export async function recoverOn(session: Session, services: string[]): Promise<number> {
  const answer = await withGroup(session, CHANGES, (app) => app.recover(services, session.context.signal));
  show(session, answer, recoveredOnView);
  const items = answer.hosts.flatMap(({ report = [] }) => report);
  const statuses = items.map(({ outcome }) => (outcome === 'failed' ? 3 : outcome === 'busy' ? 4 : 0));
  return gravest([...statuses, answerStatus(answer, () => [])]);
}

/** Prints the findings about each engine and its host. */
export async function doctorOn(session: Session): Promise<number> {
  const answer = await withGroup(session, READS, (app) => app.doctor());
  show(session, answer, findingsOnView);
  const problem = answer.hosts.some(({ report }) => report?.some(({ state }) => state === 'problem'));
  return gravest([problem ? 3 : 0, answerStatus(answer, () => [])]);
}

function answerStatus<T>(
  { hosts }: GroupAnswer<T>,
  errorsOf: (report: T) => readonly (ReportedError | undefined)[],
): number {
  return statusOfErrors(hosts.flatMap(({ report, error }) => [error, ...(report ? errorsOf(report) : [])]));
}
