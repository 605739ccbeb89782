import { FAMILIES, type Family, type MetricName } from './family.ts';
import { Metrics } from './metrics.ts';

const SAMPLE = /^([a-z]\w+)(?:\{(.*)\})? (\S+)$/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;
const LONGEST_LINE = 2000;

/**
 * Reads the metrics that an earlier run wrote, so that counters of a program that runs once an hour go on instead of starting
 * at 0. Skips every line that is not of swapctl.
 */
export function readMetrics(text: string): Metrics {
  const metrics = new Metrics();
  for (const line of text.split('\n')) {
    const [, name, labels = '', number] = (line.length <= LONGEST_LINE && SAMPLE.exec(line)) || [];
    const value = Number(number);
    if (name !== undefined && Number.isFinite(value)) take(metrics, name, labelsOf(labels), value);
  }
  for (const name of names().filter(isHistogram)) notAddedUp(metrics, name);
  return metrics;
}

function take(metrics: Metrics, sample: string, { le, ...labels }: Record<string, string>, value: number): void {
  const [, base = '', part] = /^(.*?)(?:_(bucket|sum|count))?$/.exec(sample) ?? [];
  const name = names().find((one) => one === sample) ?? names().find((one) => one === base && isHistogram(one));
  if (name === undefined || !hasLabels(FAMILIES[name], labels)) return;
  const series = metrics.series(name, labels as never);
  if (!series || part === 'count') return;
  if (!series.counts || part === 'sum') series.value = value;
  else series.counts[bucketAt(FAMILIES[name], le)] = value;
}

// In the text each bucket includes those below it.
function notAddedUp(metrics: Metrics, name: MetricName): void {
  for (const { counts = [] } of metrics.all(name)) {
    for (let at = counts.length - 1; at > 0; at--) counts[at] = Math.max(0, (counts[at] ?? 0) - (counts[at - 1] ?? 0));
  }
}

function bucketAt({ buckets = [] }: Family, le: string | undefined): number {
  const at = buckets.indexOf(Number(le));
  return at < 0 ? buckets.length : at;
}

function hasLabels({ labels }: Family, given: Readonly<Record<string, string>>): boolean {
  return Object.keys(given).length === labels.length && labels.every((label) => Object.hasOwn(given, label));
}

function labelsOf(text: string): Record<string, string> {
  const pairs = [...text.matchAll(LABEL)].map(([, name = '', value = '']) => [name, unescaped(value)] as const);
  return Object.fromEntries(pairs);
}

function unescaped(value: string): string {
  return value.replace(/\\(.)/g, (_, sign: string) => (sign === 'n' ? '\n' : sign));
}

function names(): readonly MetricName[] {
  return Object.keys(FAMILIES) as MetricName[];
}

function isHistogram(name: MetricName): boolean {
  return FAMILIES[name].type === 'histogram';
}
