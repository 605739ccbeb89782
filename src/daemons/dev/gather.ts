import type { Change } from '../../core/build/develop.ts';

/** What gathering needs of the world. */
export interface Gathering {
  readonly clock: { now(): number; sleep(ms: number, signal: AbortSignal): Promise<void> };
  readonly signal: AbortSignal;
  /** How long nothing must have happened. */
  readonly quietMs: number;
  /** After which time what there is is handed on all the same: some files never rest. */
  readonly mostMs: number;
}

/**
 * Gathers changes until nothing has happened for a moment, and hands them on together, each file once, as it was last: an editor
 * saves in several steps, and a branch switch touches thousands of files.
 */
export function gatherer(
  { clock, signal, quietMs, mostMs }: Gathering,
  handOn: (changes: readonly Change[]) => void,
): (change: Change) => void {
  let changes = new Map<string, Change>();
  let first = 0;
  let last = 0;
  const wait = async (): Promise<void> => {
    for (;;) {
      const left = Math.min(last + quietMs, first + mostMs) - clock.now();
      if (left <= 0 || signal.aborted) break;
      await clock.sleep(left, signal);
    }
    const gathered = [...changes.values()];
    changes = new Map();
    if (!signal.aborted) handOn(gathered);
  };
  return (change) => {
    last = clock.now();
    const begins = changes.size === 0;
    if (begins) first = last;
    changes.set(change.path, change);
    if (begins) void wait();
  };
}
