import { FAMILIES, type Family, type MetricName } from './family.ts';
import type { Metrics, Series } from './metrics.ts';

/** The Content-Type of the text. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Metrics in the text format of Prometheus 0.0.4, for GET /metrics and for node_exporter's textfile collector. */
export function metricsText(metrics: Metrics): string {
  return (Object.keys(FAMILIES) as MetricName[]).flatMap((name) => familyLines(name, metrics.all(name))).join('');
}

function familyLines(name: MetricName, all: readonly Series[]): string[] {
  if (all.length === 0) return [];
  const family: Family = FAMILIES[name];
  const samples = all.flatMap((series) =>
    series.counts ? histogramLines(name, family, series) : [plainLine(name, series)],
  );
  return [`# HELP ${name} ${escapeHelp(family.help)}\n`, `# TYPE ${name} ${family.type}\n`, ...samples];
}

function plainLine(name: string, { labels, value }: Series): string {
  return line(name, labels, value);
}

function histogramLines(name: string, { buckets = [] }: Family, { labels, counts = [], value }: Series): string[] {
  let sum = 0;
  const cumulative = counts.map((count, at) => {
    sum += count;
    return line(`${name}_bucket`, { ...labels, le: at < buckets.length ? `${buckets[at]}` : '+Inf' }, sum);
  });
  return [...cumulative, line(`${name}_sum`, labels, value), line(`${name}_count`, labels, sum)];
}

function line(name: string, labels: Readonly<Record<string, string>>, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
  return `${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}\n`;
}

function escapeHelp(text: string): string {
  return text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n');
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replace(/"/g, '\\"');
}
