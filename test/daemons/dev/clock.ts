// A simulated clock: sleepers wake in the order of their times.
import { setImmediate as turn } from 'node:timers/promises';

export interface MovedClock {
  now(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Lets the time pass, with all its work. */
  pass(ms: number): Promise<void>;
}

export function movedClock(): MovedClock {
  let now = 0;
  let sleepers: { readonly at: number; readonly wake: () => void }[] = [];
  return {
    now: () => now,
    sleep: (ms) => new Promise((wake) => sleepers.push({ at: now + ms, wake })),
    pass: async (ms) => {
      const end = now + ms;
      for (;;) {
        await turn();
        const next = sleepers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
        if (!next) break;
        sleepers = sleepers.filter((one) => one !== next);
        now = Math.max(now, next.at);
        next.wake();
      }
      now = end;
      await turn();
    },
  };
}
