// Time in a contract's stage in memory.
import type { TestContext } from 'node:test';
import type { VirtualClock } from '../memory/clock.ts';

/** Lets time pass until the end of a test whenever no task is ready. */
export function passing(t: TestContext, clock: VirtualClock): void {
  const over = new AbortController();
  const ended = new Promise<void>((resolve) => over.signal.addEventListener('abort', () => resolve()));
  const run = clock.run(ended, true);
  t.after(async () => {
    over.abort();
    await run;
  });
}

const MOST_TRIES = 1000;
const PAUSE_MS = 50;

/** Repeats until the answer is defined, by that clock. */
export async function until<T>(
  clock: VirtualClock,
  what: string,
  ask: () => Promise<T | undefined | false>,
): Promise<T> {
  for (let asked = 0; asked < MOST_TRIES; asked++) {
    const answer = await ask();
    if (answer) return answer;
    await clock.sleep(PAUSE_MS);
  }
  throw new Error(`it never was: ${what}`);
}
