import type { Outcome } from '../report/report.ts';
import { type Run, runOf } from '../report/summary.ts';
import type { UpdateReport } from '../update/update.ts';
import type { GroupAnswer, GroupReport } from './report.ts';

/** The rolls of groups for a notification: a line for each service on each host whose turn came. */
export function groupRun(reports: readonly GroupReport[]): Run {
  const rolls = reports.flatMap(({ service, hosts, error: wrong }) => {
    const reached = hosts.filter(({ outcome }) => outcome !== 'untouched');
    const lines = reached.map(({ host, outcome, report, error }) => ({
      timings: { total: 0 },
      ...report,
      service: `${host}/${service}`,
      outcome: outcome === 'skipped' || outcome === 'untouched' ? ('failed' as const) : (outcome satisfies Outcome),
      ...(error ? { error } : {}),
    }));
    const whole = { service, outcome: 'failed' as const, timings: { total: 0 } };
    return lines.length === 0 && wrong ? [{ ...whole, error: wrong }] : lines;
  });
  return runOf(rolls);
}

/** The updates of a group for a notification. */
export function updateRun({ hosts }: GroupAnswer<UpdateReport>): Run {
  return {
    services: hosts.flatMap(({ host, report }) =>
      (report?.services ?? []).map((line) => ({ ...line, service: `${host}/${line.service}` })),
    ),
  };
}
