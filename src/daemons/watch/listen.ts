import type { App } from '../../app/app.ts';
import { EngineError } from '../../core/model/engine-error.ts';
import { eventKey } from '../../core/model/event.ts';
import { type LocalImageEvent, localImageEventOf } from '../../core/update/local-image-event.ts';

/** The inputs of listening. */
export interface Ear {
  readonly app: Pick<App, 'events'>;
  readonly clock: { now(): number; sleep(ms: number, signal: AbortSignal): Promise<void> };
  readonly signal: AbortSignal;
  /** A local image event. */
  readonly onLocalImage: (localImage: LocalImageEvent) => void;
  /** A container has changed, or may have: the stream was cut, and events may be missing. */
  readonly onChange: () => void;
  /** Called once for each outage of the event stream. */
  readonly onAway: (error: EngineError) => void;
}

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 5 * 60_000;
// The engine's clock may be behind ours; an event seen twice only causes another check.
const EARLIER_MS = 60_000;
const LAST_KEYS = 64;

/**
 * Listens to events of containers and images until the signal aborts. The stream ends whenever the engine restarts, and some
 * proxies cut a quiet one (T48): then it resumes from the last event, and each event counts once.
 */
export async function listen({ app, clock, signal, onLocalImage, onChange, onAway }: Ear): Promise<void> {
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
        const localImage = localImageEventOf(event);
        if (localImage) onLocalImage(localImage);
        else onChange();
      }
      // A stream that repeatedly ends at once counts as an outage.
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
