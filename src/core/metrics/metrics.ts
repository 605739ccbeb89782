import { clipText } from '../text/sanitize.ts';
import { FAMILIES, type Family, type LabelsOf, type MetricName, type NameOf } from './family.ts';

/** One sample of a metric: a counter, a gauge, or the distribution of a histogram. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  value: number;
  /** Of a histogram: observations up to each bound, not added up; the last one is for infinity. */
  readonly counts?: number[];
}

const MOST_SERIES = 2000;
const LONGEST_LABEL = 200;

/** The metrics of one process. A metric takes no further series than a bound, so that no caller can fill the memory. */
export class Metrics {
  readonly #series = new Map<MetricName, Map<string, Series>>();

  /** Adds to a counter. */
  add<K extends NameOf<'counter'>>(name: K, labels: LabelsOf<K>, amount = 1): void {
    const series = this.series(name, labels);
    if (series) series.value += amount;
  }

  /** Sets a gauge. */
  set<K extends NameOf<'gauge'>>(name: K, labels: LabelsOf<K>, value: number): void {
    const series = this.series(name, labels);
    if (series) series.value = value;
  }

  /** Adds an observation to a histogram. */
  observe<K extends NameOf<'histogram'>>(name: K, labels: LabelsOf<K>, value: number): void {
    const series = this.series(name, labels);
    const { buckets = [] }: Family = FAMILIES[name];
    const at = buckets.findIndex((bound) => value <= bound);
    if (!series?.counts) return;
    const slot = at < 0 ? buckets.length : at;
    series.counts[slot] = (series.counts[slot] ?? 0) + 1;
    series.value += value;
  }

  /** The value of a gauge or counter; undefined: it has no such series. */
  get<K extends MetricName>(name: K, labels: LabelsOf<K>): number | undefined {
    return this.#series.get(name)?.get(keyOf(bounded(labels)))?.value;
  }

  /** Removes the series of a metric that have these labels among theirs. */
  remove(name: MetricName, labels: Readonly<Record<string, string>> = {}): void {
    const wanted = Object.entries(bounded(labels));
    const all = this.#series.get(name);
    for (const [key, series] of all ?? []) {
      if (wanted.every(([label, value]) => series.labels[label] === value)) all?.delete(key);
    }
  }

  /** All series of a metric, in the order in which they came. */
  all(name: MetricName): readonly Series[] {
    return [...(this.#series.get(name)?.values() ?? [])];
  }

  /** The series with these labels, made if it is not there; undefined: the metric has too many. */
  series<K extends MetricName>(name: K, labels: LabelsOf<K>): Series | undefined {
    const all = this.#series.get(name) ?? new Map<string, Series>();
    this.#series.set(name, all);
    const known = bounded(labels);
    const key = keyOf(known);
    const found = all.get(key);
    if (found || all.size >= MOST_SERIES) return found;
    const { buckets }: Family = FAMILIES[name];
    const made = { labels: known, value: 0, ...(buckets ? { counts: [...buckets, 0].map(() => 0) } : {}) };
    all.set(key, made);
    return made;
  }
}

function bounded(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, clipText(value, LONGEST_LABEL)]));
}

function keyOf(labels: Readonly<Record<string, string>>): string {
  const names = Object.keys(labels).sort();
  return JSON.stringify(names.map((name) => [name, labels[name]]));
}
