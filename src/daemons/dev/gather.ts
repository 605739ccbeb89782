import type { Change } from '../../core/build/develop.ts';

/** The environment of a gatherer. */
export interface Gathering {
  readonly clock: { now(): number; sleep(ms: number, signal: AbortSignal): Promise<void> };
  readonly signal: AbortSignal;
  /** The quiet time before changes are handed on. */
  readonly quietMs: number;
  /** The maximum wait: some files never rest. */
  readonly mostMs: number;
}

/**
 * Gathers changes until there is a quiet moment, and hands them on together, each file once, in its last state: an editor saves
 * in several steps, and a branch switch touches thousands of files.
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
