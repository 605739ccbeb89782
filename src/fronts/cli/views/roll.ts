import { shortDigest } from '../../../core/model/reference.ts';
import type { Outcome, ReplicaReport, ServiceReport } from '../../../core/report/report.ts';
import type { ReportedError } from '../../../core/report/reported-error.ts';
import { formatDuration } from '../../../core/text/duration.ts';
import { timesOf } from '../../common/times.ts';
import type { Page, Style } from '../../terminal/style.ts';
import { pad } from '../../terminal/table.ts';
import { visibleWidth } from '../../terminal/width.ts';
import { errorLines, formatBytes, imageText, indented } from './parts.ts';

type Result = Omit<ReplicaReport, 'slot'>;

/** The results of services, one line each if there is room; failures state the situation and the next action. */
export function reportsView(reports: readonly ServiceReport[], page: Page): string[] {
  const widths = {
    service: widest(reports.map((report) => report.service)),
    outcome: widest(reports.map((report) => outcomeText(report.outcome))),
  };
  return reports.flatMap((report) => serviceLines(report, widths, page));
}

function serviceLines(report: ServiceReport, widths: { service: number; outcome: number }, page: Page): string[] {
  const { style, width } = page;
  const name = pad(style.bold(report.service), widths.service);
  const head = [name, pad(outcome(report, style), widths.outcome), ...(report.strategy ? [report.strategy] : [])].join(
    '  ',
  );
  const images = sides(report);
  const line = [head, ...images, ...times(report, style)].join('  ');
  const fits = visibleWidth(line) <= width;
  const first = fits ? [line] : [[head, ...times(report, style)].join('  '), ...indented(images, 2)];
  return [
    ...first,
    ...indented(
      [
        ...(report.replicas ?? []).map((replica) => replicaLine(replica, report, style)),
        ...notes(report),
        ...restarts(report),
        ...(report.notDone ?? []),
        ...(report.sameTag ?? []),
        ...failures(report, style),
        ...(report.attention ?? []).flatMap((one) => attentionLines(one, style)),
      ],
      2,
    ),
  ];
}

function outcome({ outcome, attention }: Result, style: Style): string {
  const good = attention ? style.yellow : style.green;
  const paint = { rolled: good, unchanged: style.dim, 'rolled-back': style.yellow, failed: style.red }[outcome];
  return paint(outcomeText(outcome));
}

function outcomeText(outcome: Outcome): string {
  return outcome === 'rolled-back' ? 'rolled back' : outcome;
}

function sides({ from, to }: Result): string[] {
  if (!from) return to ? [imageText(to)] : [];
  if (!to || to.container === from.container) return [imageText(from)];
  const after = to.image === from.image ? shortDigest(to.digest) : imageText(to);
  return [`${imageText(from)} → ${after}`];
}

function replicaLine(replica: ReplicaReport, { outcome: wanted }: Result, style: Style): string {
  const mark = {
    rolled: style.green('✔'),
    unchanged: style.dim('='),
    'rolled-back': wanted === 'rolled-back' ? style.green('✔') : style.yellow('!'),
    failed: style.red('✘'),
  }[replica.outcome];
  const said = replica.outcome === 'rolled' ? [] : [outcomeText(replica.outcome)];
  return [`${mark} ${replica.slot}`, ...said, ...times(replica, style)].join('  ');
}

function times({ timings, outcome }: Result & { replicas?: unknown }, style: Style): string[] {
  return outcome === 'unchanged' ? [] : timesOf(timings, style);
}

function notes(report: ServiceReport): string[] {
  const replicas: readonly (Result & { slot?: string })[] = report.replicas ?? [report];
  return replicas.flatMap(({ connections, gap, slot, backup, hooks = [], notes: without = [] }) => {
    const silent = `nobody answered${slot ? ` for ${slot}` : ''} for at most ${formatDuration(gap ?? 0)}, between the old container and the new`;
    return [
      ...copies(backup),
      ...(gap ? [silent] : []),
      ...drained(connections, slot),
      ...hooks.flatMap(({ hook, error }) => (error === undefined ? [`the hook "${hook}" was run`] : [])),
      ...without.map((note) => (slot ? `${slot}: ${note}` : note)),
    ];
  });
}

function restarts({ service, restarted = [] }: ServiceReport): string[] {
  const well = restarted.filter(({ error }) => error === undefined);
  return well.map(({ container, ms = 0 }) => {
    return `${container} was restarted (${formatDuration(ms)}), since it depends on ${service} (depends_on, restart: true)`;
  });
}

function drained(connections: Result['connections'], slot: string | undefined): string[] {
  if (!connections) return [];
  const { idle = 0, busy, cut, closed = 0 } = connections;
  const of = slot ? ` of ${slot}` : '';
  return [
    ...(cut > 0 ? [`${plural(cut)}${of} ${were(cut)} still busy when the drain time was over (--drain-timeout)`] : []),
    ...(busy > cut ? [`${plural(busy - cut)}${of} finished what ${were(busy - cut)} under way`] : []),
    ...(closed > 0 ? [`${plural(closed)}${of} ${were(closed)} idle and closed before the stop`] : []),
    ...(idle > 0 ? [`${plural(idle)}${of} ${were(idle)} idle and closed by the stop`] : []),
  ];
}

function plural(count: number): string {
  return `${count} connection${count === 1 ? '' : 's'}`;
}

function were(count: number): string {
  return count === 1 ? 'was' : 'were';
}

function copies(backup: Result['backup']): string[] {
  if (!backup) return [];
  const made = backup.volumes.map(
    ({ volume, copy, bytes }) => `${volume} was copied before the change (${formatBytes(bytes)}): ${copy}`,
  );
  return [...made, ...(backup.restored ? ['its volumes were restored from the backup'] : [])];
}

function failures(report: ServiceReport, style: Style): string[] {
  const all: readonly Result[] = [report, ...(report.replicas ?? [])];
  const seen = new Set<string>();
  return all.flatMap(({ error, from }) => {
    if (!error || seen.has(error.message)) return [];
    seen.add(error.message);
    return errorLines(error, from, style);
  });
}

function attentionLines({ code, message, hint }: ReportedError, style: Style): string[] {
  const next = hint ? [`${style.dim('next:')} ${hint}`] : [];
  return [`${style.yellow('!')} ${message} ${style.dim(`(${code})`)}`, ...next];
}

function widest(texts: readonly string[]): number {
  return Math.max(0, ...texts.map(visibleWidth));
}
