import type { Asker } from './asker.ts';
import { LimitError } from './limit.ts';

const MOST_STREAMS = 100;
const MOST_OF_ONE = 20;

/** The maximum lag of a reader in bytes; a slower one is dropped, and returns with its last id. */
export const MOST_BEHIND = 256 * 1024;
/** The pause after which a silent stream gives a sign of life. */
export const HEARTBEAT_MS = 15_000;

const counts = new Map<string, number>();

/** Counts a stream of a caller until the function that it returns is called. Raises `too-many-requests`. */
export function enterStream({ caller: { name }, site: { world } }: Asker): () => void {
  const own = counts.get(name) ?? 0;
  if (own >= MOST_OF_ONE || openStreams() >= MOST_STREAMS)
    throw new LimitError('there are too many event streams', 'one stream over all jobs is enough for all of them');
  const set = (count: number): void => {
    if (count > 0) counts.set(name, count);
    else counts.delete(name);
    world.metrics.set('swapctl_sse_clients', {}, openStreams());
  };
  set(own + 1);
  let isIn = true;
  return () => {
    if (isIn) set((counts.get(name) ?? 1) - 1);
    isIn = false;
  };
}

function openStreams(): number {
  return [...counts.values()].reduce((sum, one) => sum + one, 0);
}
