import { isAway } from '../../core/model/engine-error.ts';
import { observe } from './observe.ts';
import { recall, type SlotRun } from './slot-run.ts';
import type { Snapshot } from './snapshot.ts';

// The time in which a daemon with many containers stops and starts again, as for an update of its package.
const LONGEST_MS = 90_000;
const PAUSE_MS = 500;

/**
 * Observes a slot; while the engine is away (its daemon restarts, say), keeps trying for a while: giving up in the middle of a
 * roll helps nobody. Raises the engine's errors; an interruption ends the wait.
 */
export async function observeThrough(run: SlotRun): Promise<Snapshot> {
  const { clock, report } = run.ports;
  let since: number | undefined;
  for (;;) {
    try {
      const snapshot = await observe(run);
      await run.confirmLock();
      if (!run.memory.away) return snapshot;
      if (since !== undefined)
        report({ kind: 'note', text: `${run.names.slotName}: the engine answers again; going on` });
      noteFallen(run, snapshot, since !== undefined);
      renewDeadlines(run);
      run.memory.away = false;
      since = undefined;
    } catch (error) {
      if (!isAway(error) || run.signal.aborted) throw error;
      run.memory.away = true;
      if (since === undefined) report({ kind: 'note', text: waiting(run.names.slotName) });
      since ??= clock.now();
      if (clock.now() - since > LONGEST_MS) throw error;
      await clock.sleep(PAUSE_MS, run.signal);
    }
  }
}

/** Notes a failure because the engine was away: it may be back before the next observation. */
export function noteAway({ memory }: SlotRun, error: unknown): void {
  if (isAway(error)) memory.away = true;
}

// A container that came down with the engine did not fail by itself, and its image is not to blame. A crashed daemon stops
// running containers when it starts again; if only a connection broke, the event of a container's own end shows the difference.
function noteFallen(run: SlotRun, { incumbent, candidate, rehearsal, standIn }: Snapshot, wasSeenAway: boolean): void {
  for (const container of [incumbent, candidate, rehearsal, standIn]) {
    if (container?.status !== 'exited') continue;
    if (wasSeenAway || recall(run, container).stoppedByOthers) run.memory.fallen.add(container.id);
  }
}

// Health could not be observed meanwhile.
function renewDeadlines({ memory: { health }, now }: SlotRun): void {
  for (const [id, known] of health)
    if (known.healthySince === undefined) health.set(id, { ...known, watchedSince: now() });
}

function waiting(slotName: string): string {
  return `${slotName}: the engine does not answer in the middle of the roll; waiting for it, at most ${LONGEST_MS / 1000} s`;
}
