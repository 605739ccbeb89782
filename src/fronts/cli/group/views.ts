import type { GroupAnswer, GroupReport, HostAnswer, HostReport } from '../../../core/group/report.ts';
import type { ReportedError } from '../../../core/report/reported-error.ts';
import type {
  Finding,
  RecoveredItem,
  ReplicaStatus,
  ServiceHistory,
  ServicePlan,
} from '../../../core/report/status.ts';
import { formatDuration } from '../../../core/text/duration.ts';
import { shellOperands } from '../../../core/text/encode/shell.ts';
import type { Checked } from '../../../core/update/newer.ts';
import type { UpdateReport } from '../../../core/update/update.ts';
import type { Page, Style } from '../../terminal/style.ts';
import { type Column, table } from '../../terminal/table.ts';
import { checkTable } from '../views/check.ts';
import { findingsView } from '../views/doctor.ts';
import { historyView } from '../views/history.ts';
import { errorLines, hex12, imageText, indented } from '../views/parts.ts';
import { plansView } from '../views/plan.ts';
import { recoveredView } from '../views/recover.ts';
import { statusTable } from '../views/status.ts';
import { updateTable } from '../views/update.ts';

/** The reports of services on a group: a table of all hosts for each, with failures and advice beneath it. */
export function groupReportsView(reports: readonly GroupReport[], page: Page): string[] {
  return reports.flatMap((report, at) => [...(at > 0 ? [''] : []), ...groupLines(report, page)]);
}

function groupLines(report: GroupReport, page: Page): string[] {
  const { style } = page;
  const { group, service, image, digest, hosts, totalMs, attention = [], error } = report;
  const to = image ? [imageText({ image, digest })] : [];
  const time = totalMs > 0 ? [formatDuration(totalMs)] : [];
  const head = `${style.bold(service)} on ${style.bold(group)}  ${[outcomeText(report, style), ...to, ...time].join('  ')}`;
  const concerns = hosts.flatMap((host) => hostConcerns(host, style));
  const own = concerns.length === 0 && error ? errorLines(error, undefined, style) : [];
  return [
    head,
    ...table(hosts, hostColumns(page), page),
    ...[...concerns, ...own, ...attention.flatMap((one) => attentionLines(one, style))],
  ];
}

function outcomeText({ outcome, attention }: GroupReport, style: Style): string {
  const paint = { rolled: style.green, unchanged: style.dim, 'rolled-back': style.yellow, failed: style.red }[outcome];
  return paint(attention && outcome === 'failed' ? 'halted' : outcome.replace('-', ' '));
}

function hostColumns({ style }: Page): Column<HostReport>[] {
  const paint = (host: HostReport): ((text: string) => string) => {
    if (host.error || host.outcome === 'failed') return style.red;
    if (host.report?.attention || host.back) return style.yellow;
    return host.outcome === 'rolled' || host.outcome === 'rolled-back' ? style.green : style.dim;
  };
  return [
    { title: 'HOST', cell: ({ host }) => host, paint: style.bold, cut: true },
    { title: 'OUTCOME', cell: ({ outcome }) => outcome.replace('-', ' '), paint: (text, host) => paint(host)(text) },
    { title: 'STRATEGY', cell: ({ report }) => report?.strategy ?? '-', drop: 1 },
    { title: 'BEFORE', cell: ({ report }) => (report?.from ? hex12(report.from.digest) : '-'), drop: 2 },
    { title: 'NOW', cell: nowOf, drop: 3 },
    {
      title: 'TIME',
      cell: ({ report }) => (report?.timings.total ? formatDuration(report.timings.total) : '-'),
      drop: 4,
    },
  ];
}

function nowOf({ report, back }: HostReport): string {
  const now = (back && !back.error ? back.to : undefined) ?? report?.to;
  return now ? hex12(now.digest) : '-';
}

function hostConcerns({ host, error, report, back }: HostReport, style: Style): string[] {
  const named = (one: ReportedError): ReportedError => ({ ...one, message: `${host}: ${one.message}` });
  const failed = error ? errorLines(named(error), report?.from, style) : [];
  const attention = back ? [] : (report?.attention ?? []);
  return [...failed, ...attention.flatMap((one) => attentionLines(named(one), style))];
}

function attentionLines({ code, message, hint }: ReportedError, style: Style): string[] {
  return [
    `${style.yellow('!')} ${message} ${style.dim(`(${code})`)}`,
    ...(hint ? [`${style.dim('next:')} ${hint}`] : []),
  ];
}

/** The state of services on all hosts, in one table. */
export function statusesView(answer: GroupAnswer<ReplicaStatus[]>, page: Page): string[] {
  return [
    ...statusTable(
      rowsOf(answer, (report) => report),
      page,
    ),
    ...awayLines(answer, page),
  ];
}

/** The newer images of services on all hosts, in one table. */
export function checksView(answer: GroupAnswer<Checked[]>, page: Page): string[] {
  const rows = rowsOf(answer, (report) => report);
  const found = new Set(rows.flatMap(({ outcome, service }) => (outcome === 'available' ? [service] : [])));
  const named = shellOperands([answer.group]);
  const next = found.size > 0 ? ['', `swapctl roll --on ${named} ${shellOperands([...found])}`] : [];
  const lines = rows.length > 0 ? checkTable(rows, page) : ['nothing runs on the hosts that answer'];
  return [...lines, ...awayLines(answer, page), ...next];
}

/** The updates of all hosts, in one table. */
export function updatesView(answer: GroupAnswer<UpdateReport>, page: Page): string[] {
  return [
    ...updateTable(
      rowsOf(answer, ({ services }) => services),
      page,
    ),
    ...awayLines(answer, page),
  ];
}

export const plansOnView = (answer: GroupAnswer<ServicePlan[]>, page: Page): string[] =>
  hostBlocks(answer, page, (plans) => plansView(plans, page));
export const historiesView = (answer: GroupAnswer<ServiceHistory>, page: Page): string[] =>
  hostBlocks(answer, page, (history) => historyView(history, page));
export const recoveredOnView = (answer: GroupAnswer<RecoveredItem[]>, page: Page): string[] =>
  hostBlocks(answer, page, (items) => recoveredView(items, page));
export const findingsOnView = (answer: GroupAnswer<Finding[]>, page: Page): string[] =>
  hostBlocks(answer, page, (findings) => findingsView(findings, page));

function rowsOf<T, R>({ hosts }: GroupAnswer<T>, rows: (report: T) => readonly R[]): (R & { host: string })[] {
  return hosts.flatMap(({ host, report }) => (report ? rows(report).map((row) => ({ ...row, host })) : []));
}

function hostBlocks<T>({ hosts }: GroupAnswer<T>, page: Page, view: (report: T) => string[]): string[] {
  return hosts.flatMap((answer, at) => [
    ...(at > 0 ? [''] : []),
    page.style.bold(answer.host),
    ...indented(answer.report ? view(answer.report) : [], 2),
    ...indented(errorOf(answer, page.style), 2),
  ]);
}

function awayLines<T>({ hosts }: GroupAnswer<T>, { style }: Page): string[] {
  const lines = hosts.flatMap(({ host, error }) =>
    error ? errorOf({ host, error: { ...error, message: `${host}: ${error.message}` } }, style) : [],
  );
  return lines.length > 0 ? ['', ...lines] : [];
}

function errorOf({ error }: Pick<HostAnswer<unknown>, 'host' | 'error'>, style: Style): string[] {
  if (!error) return [];
  const { code, message, hint } = error;
  return [`${style.red('✘')} ${message} ${style.dim(`(${code})`)}`, ...(hint ? [`${style.dim('next:')} ${hint}`] : [])];
}
