import { bakeLeft, whyNotWell } from '../../core/group/bake.ts';
import type { ReportedError } from '../../core/report/reported-error.ts';
import type { ReplicaStatus } from '../../core/report/status.ts';
import { formatDuration } from '../../core/text/duration.ts';
import { reportedError } from '../report/reported.ts';
import type { HeldHost } from './turn.ts';
import type { GroupWorld } from './world.ts';

const LOOK_EVERY_MS = 2000;

/**
 * Watches the canary host until its bake time is over or the signal aborts. Resolves with the reason why it is bad; undefined: it is
 * good. A host that can't be asked for a moment is no reason, unless it is away at the end.
 */
export async function bake(
  { group, clock, report }: GroupWorld,
  { host, app, held }: HeldHost,
  signal: AbortSignal,
): Promise<ReportedError | undefined> {
  const look = (): Promise<ReplicaStatus[]> => app.status([held.service]);
  let before: ReplicaStatus[];
  try {
    before = await look();
  } catch (raised) {
    return reportedError(raised);
  }
  const left = bakeLeft(group.bakeMs, before);
  if (left > 0)
    report({ kind: 'note', text: `${host}: the other hosts follow in ${formatDuration(left)} if it stays well` });
  let away: ReportedError | undefined;
  for (const until = clock.monotonic() + left; clock.monotonic() < until && !signal.aborted; ) {
    await clock.sleep(Math.min(LOOK_EVERY_MS, until - clock.monotonic()), signal);
    away = undefined;
    const now = await look().catch((raised) => {
      away = reportedError(raised);
      return before;
    });
    const why = whyNotWell(before, now);
    if (why !== undefined) return bad(why, group.bakeMs);
  }
  return signal.aborted ? undefined : away;
}

function bad(why: string, bakeMs: number): ReportedError {
  return {
    code: 'not-healthy',
    message: `${why} during the bake time (${formatDuration(bakeMs)})`,
    hint: 'the image is rejected from now on; swapctl history shows it',
  };
}
