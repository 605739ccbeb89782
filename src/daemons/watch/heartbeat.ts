import { writeFile } from 'node:fs/promises';
import { messageOf } from '../../core/model/error.ts';
import type { WatchLog } from '../log.ts';

const EVERY_MS = 10_000;

/** The parts of a watch that its heartbeat needs. */
interface Heart {
  readonly clock: { now(): number; sleep(ms: number, signal: AbortSignal): Promise<void> };
  readonly log: WatchLog;
  readonly signal: AbortSignal;
}

/**
 * Writes the time into a file every ten seconds until the signal aborts, so that the file's age shows if the watch lives (the
 * image's HEALTHCHECK reads it). A failed write is logged once, and stops nothing.
 */
export async function writeHeartbeats(file: string, { clock, log, signal }: Heart): Promise<void> {
  let told = false;
  await eachHeartbeat({ clock, signal }, async (at) => {
    try {
      await writeFile(file, `${new Date(at).toISOString()}\n`);
    } catch (error) {
      if (!told) log.write('warn', `the heartbeat can't be written: ${messageOf(error)}`);
      told = true;
    }
  });
}

/** Calls back with the time (milliseconds since the epoch), now and every ten seconds until the signal aborts. */
export async function eachHeartbeat(
  { clock, signal }: Pick<Heart, 'clock' | 'signal'>,
  note: (at: number) => Promise<void> | void,
): Promise<void> {
  while (!signal.aborted) {
    await note(clock.now());
    await clock.sleep(EVERY_MS, signal);
  }
}
