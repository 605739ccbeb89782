// One fault at one moment of one scenario, and its result; and the table of many.

/** The result of one try. */
export interface Outcome {
  /** In a word or two. */
  text: string;
  /** The moment never came: the run took another course. Nothing was tried. */
  notMet?: boolean;
  /** The time to a good state, if work was needed for that. */
  recoveryMs?: number;
  /** The time without an answer, if that is allowed. */
  gapMs?: number;
}

export const TOPICS = ['kill', 'engine', 'people', 'daemon'] as const;
export type Topic = (typeof TOPICS)[number];

export type Tried = { topic: Topic; way: string; fault: string; moment: string } & (
  | { safe: true; outcome: Outcome }
  | { safe: false; why: string }
);

/** Cells as lines of a table: the same fault at the same moment is one line, for all of its tries. */
export function tableOf(tried: readonly Tried[]): string[] {
  const lines = new Map<string, Tried[]>();
  for (const one of tried) {
    const key = [one.way, one.fault, one.moment].join('\0');
    lines.set(key, [...(lines.get(key) ?? []), one]);
  }
  const rows = [...lines.values()].map((same) => {
    const [{ way, fault, moment }] = same as [Tried];
    return [
      way,
      fault,
      moment,
      String(same.length),
      outcomesOf(same),
      secondsOf(same, 'recoveryMs'),
      secondsOf(same, 'gapMs'),
    ];
  });
  const head = ['way', 'fault', 'at', 'runs', 'outcome', 'recovery s', 'gap s'];
  const widths = head.map((title, at) => Math.max(...[head, ...rows].map((row) => (row[at] ?? title).length)));
  return [head, ...rows].map((row) =>
    row
      .map((text, at) => text.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function outcomesOf(same: readonly Tried[]): string {
  const counts = new Map<string, number>();
  for (const one of same) {
    const text = one.safe ? one.outcome.text : 'UNSAFE';
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts].map(([text, count]) => (same.length > 1 ? `${text} ${count}` : text)).join(', ');
}

// The worst of them.
function secondsOf(same: readonly Tried[], figure: 'recoveryMs' | 'gapMs'): string {
  const all = same.flatMap((one) => (one.safe ? (one.outcome[figure] ?? []) : []));
  return all.length > 0 ? (Math.max(...all) / 1000).toFixed(1) : '';
}

/** Runs tasks with limited concurrency. */
export async function pooled<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const worker = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) await work(next);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
}
