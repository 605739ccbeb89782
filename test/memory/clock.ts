// A clock on which time passes only while all tasks wait for it: no real time passes, and the same run takes the same course.
import type { Clock } from '../../src/ports/host.ts';

// Far more than any test takes: an endless loop must end with an error.
const MOST_TURNS = 20_000;

interface Timer {
  readonly at: number;
  fire(): void;
}

export interface VirtualClock extends Clock {
  /** Calls back at an instant; the result cancels that. */
  alarm(at: number, fire: () => void): () => void;
  /** Lets time pass until the work is settled. Raises if all tasks wait for something other than time, unless it is `patient`. */
  run<T>(work: Promise<T>, patient?: boolean): Promise<T>;
  /** Called after every instant at which something happened. */
  watch(look: () => void): void;
  /** Grows whenever an alarm is set, cancelled, or fires: while it stays the same, no time has passed. */
  stirred(): number;
}

/** A clock with a given start (milliseconds since the epoch). */
export function virtualClock(begin: number): VirtualClock {
  let now = begin;
  let stirred = 0;
  // The latest first, so that the next one is at the end.
  const timers: Timer[] = [];
  const watchers: (() => void)[] = [];

  const alarm = (at: number, fire: () => void): (() => void) => {
    const timer = { at: Math.max(at, now), fire };
    timers.splice(placeOf(timers, timer.at), 0, timer);
    stirred++;
    return () => {
      stirred++;
      const place = timers.lastIndexOf(timer);
      if (place >= 0) timers.splice(place, 1);
    };
  };

  // One task lets time pass for all.
  let running = false;
  const pump = async (state: { readonly over: boolean }, patient: boolean): Promise<void> => {
    for (let turns = 0; ; turns++) {
      if (turns > MOST_TURNS && !patient) throw new Error('time passes, and nothing comes of it');
      await everybodyWaits();
      for (const look of watchers) look();
      if (state.over) return;
      if (!pass() && !patient) throw new Error('everybody waits, and nobody for time: a call was never answered');
    }
  };

  const pass = (): boolean => {
    const next = timers.pop();
    if (!next) return false;
    now = next.at;
    stirred++;
    next.fire();
    return true;
  };

  return {
    now: () => now,
    monotonic: () => now,
    alarm,
    stirred: () => stirred,
    watch: (look) => void watchers.push(look),
    sleep: (ms, signal) => asleep(alarm, now + Math.max(0, ms), signal),
    run: async (work, patient = false) => {
      if (running) return work;
      running = true;
      const state = { over: false };
      const end = (): void => {
        state.over = true;
      };
      work.then(end, end);
      try {
        await pump(state, patient);
      } finally {
        running = false;
      }
      return work;
    },
  };
}

function asleep(alarm: VirtualClock['alarm'], until: number, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    if (!signal) return void alarm(until, resolve);
    const abort = (): void => {
      cancel();
      resolve();
    };
    const cancel = alarm(until, () => {
      signal.removeEventListener('abort', abort);
      resolve();
    });
    signal.addEventListener('abort', abort, { once: true });
  });
}

// Of alarms at the same instant, the one set first fires first.
function placeOf(timers: readonly Timer[], at: number): number {
  let low = 0;
  let high = timers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((timers[middle]?.at ?? 0) > at) low = middle + 1;
    else high = middle;
  }
  return low;
}

// A turn of Node's loop comes once all ready promises have continued.
function everybodyWaits(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
