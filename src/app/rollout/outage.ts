import { isAway } from '../../core/model/engine-error.ts';
import { observe } from './observe.ts';
import { recall, type SlotRun } from './slot-run.ts';
import type { Snapshot } from './snapshot.ts';

// As long as a daemon with many containers takes to stop and start again, as for an update of its package.
const LONGEST_MS = 90_000;
const PAUSE_MS = 500;

/**
 * Looks at a slot, and where the engine is away (its daemon is restarted, say) goes on trying for a while: in the middle of a
 * roll nobody is helped by giving up. Raises what the engine raises; an interruption ends the wait.
 */
export async function observeThrough(run: SlotRun): Promise<Snapshot> {
  const { clock, report } = run.ports;
  let since: number | undefined;
  for (;;) {
    try {
      const snapshot = await observe(run);
      await run.confirmLock();
      if (!run.memory.away) return snapshot;
      if (since !== undefined) report({ kind: 'note', text: `${run.names.home}: the engine answers again; going on` });
      noteFallen(run, snapshot, since !== undefined);
      renewDeadlines(run);
      run.memory.away = false;
      since = undefined;
    } catch (error) {
      if (!isAway(error) || run.signal.aborted) throw error;
      run.memory.away = true;
      if (since === undefined) report({ kind: 'note', text: waiting(run.names.home) });
      since ??= clock.now();
      if (clock.now() - since > LONGEST_MS) throw error;
      await clock.sleep(PAUSE_MS, run.signal);
    }
  }
}

/** Notes that something failed since the engine was away: it may be back before anybody looks. */
export function noteAway({ memory }: SlotRun, error: unknown): void {
  if (isAway(error)) memory.away = true;
}

// What came down with the engine did not fail by itself, and its image is not to be blamed. A daemon that crashed stops what it
// finds running when it starts again; where only a connection broke, what ended by itself is told from that.
function noteFallen(run: SlotRun, { incumbent, candidate, rehearsal, standIn }: Snapshot, wasSeenAway: boolean): void {
  for (const container of [incumbent, candidate, rehearsal, standIn]) {
    if (container?.status !== 'exited') continue;
    if (wasSeenAway || recall(run, container).stoppedByOthers) run.memory.fallen.add(container.id);
  }
}

// Nobody could see a container become healthy meanwhile.
function renewDeadlines({ memory: { health }, now }: SlotRun): void {
  for (const [id, known] of health)
    if (known.healthySince === undefined) health.set(id, { ...known, watchedSince: now() });
}

function waiting(home: string): string {
  return `${home}: the engine does not answer in the middle of the roll; waiting for it, ${LONGEST_MS / 1000} s at the most`;
}
