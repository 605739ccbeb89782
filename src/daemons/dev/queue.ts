/** Work of which only one runs at a time. */
export interface Queue<T> {
  /** Runs it now, or, together with everything else that is asked for meanwhile, once after what runs. */
  ask(item: T): void;
  /** Resolves when nothing runs and nothing waits. */
  idle(): Promise<void>;
}

/**
 * A queue of one: however often it is asked for during a run, exactly one more follows (T62). What the work raises goes to
 * `broken`, and what waits is dropped.
 */
export function queueOfOne<T>(
  work: (items: readonly T[]) => Promise<void>,
  broken: (error: unknown) => void,
): Queue<T> {
  let waiting: T[] = [];
  let running: Promise<void> | undefined;
  const run = async (): Promise<void> => {
    try {
      while (waiting.length > 0) {
        const items = waiting;
        waiting = [];
        await work(items);
      }
    } catch (error) {
      waiting = [];
      broken(error);
    } finally {
      running = undefined;
    }
  };
  return {
    ask: (item) => {
      waiting.push(item);
      running ??= run();
    },
    idle: () => running ?? Promise.resolve(),
  };
}
