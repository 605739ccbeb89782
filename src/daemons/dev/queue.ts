/** Tasks that run one at a time. */
export interface Queue<T> {
  /** Runs the item now, or once after the current run, together with all other items that arrive meanwhile. */
  ask(item: T): void;
  /** Resolves once no task runs or waits. */
  idle(): Promise<void>;
}

/**
 * A queue of one: however many items arrive during a run, exactly one more follows (T62). An error of the task goes to `broken`,
 * and drops waiting items.
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
