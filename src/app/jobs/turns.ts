/** Limits the number of concurrent tasks; the others wait in the order of arrival. */
export interface Turns {
  /** Resolves with true for a turn, and with false if the signal aborts first. A task calls `end` after its turn. */
  take(signal: AbortSignal): Promise<boolean>;
  end(): void;
}

export function turns(most: () => number): Turns {
  let working = 0;
  let waiting: (() => void)[] = [];
  const next = (): void => {
    while (working < most()) {
      const first = waiting.shift();
      if (!first) return;
      working += 1;
      first();
    }
  };
  return {
    take: (signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve(false);
        const abort = (): void => {
          waiting = waiting.filter((one) => one !== start);
          resolve(false);
        };
        const start = (): void => {
          signal.removeEventListener('abort', abort);
          resolve(true);
        };
        signal.addEventListener('abort', abort, { once: true });
        waiting.push(start);
        next();
      }),
    end: () => {
      working -= 1;
      next();
    },
  };
}
