import type { App } from '../../app/app.ts';
import { EngineError } from '../../core/model/engine-error.ts';
import { eventKey } from '../../core/model/event.ts';
import { type Arrival, arrivalOf } from '../../core/update/arrival.ts';

/** What listening needs of the world. */
export interface Ear {
  readonly app: Pick<App, 'events'>;
  readonly clock: { now(): number; sleep(ms: number, signal: AbortSignal): Promise<void> };
  readonly signal: AbortSignal;
  /** An image got a name. */
  readonly onArrival: (arrival: Arrival) => void;
  /** Something happened to containers, or may have: the stream was cut, and nobody knows what was in between. */
  readonly onChange: () => void;
  /** Told once for each time that the engine can't be listened to. */
  readonly onAway: (error: EngineError) => void;
}

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 5 * 60_000;
// An engine's clock may be behind ours; what is told twice only makes for another look.
const EARLIER_MS = 60_000;
const LAST_KEYS = 64;

/**
 * Listens to what happens to containers and images until the signal aborts. The stream ends whenever the engine restarts, and some
 * proxies cut it when it is quiet (T48): then it is asked for again from the last event on, and each event counts once.
 */
export async function listen({ app, clock, signal, onArrival, onChange, onAway }: Ear): Promise<void> {
  let since = (clock.now() - EARLIER_MS) * 1e6;
  let misses = 0;
  let recent: string[] = [];
  while (!signal.aborted) {
    const began = clock.now();
    try {
      for await (const event of app.events(since, signal)) {
        misses = 0;
        const key = eventKey(event);
        if (recent.includes(key)) continue;
        recent = [...recent, key].slice(-LAST_KEYS);
        since = Math.max(since, event.timeNano);
        const arrival = arrivalOf(event);
        if (arrival) onArrival(arrival);
        else onChange();
      }
      // One that ends at once, again and again, is as good as none.
      misses = clock.now() - began < FIRST_WAIT_MS ? misses + 1 : 0;
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      if (misses === 0) onAway(error);
      misses += 1;
    }
    if (signal.aborted) return;
    onChange();
    await clock.sleep(Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.max(0, misses - 1)), signal);
  }
}
