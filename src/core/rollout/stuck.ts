import { isKilled } from '../health/blame.ts';
import { exitStatus, SwapError } from '../model/error.ts';
import type { Observed, Replica } from './observed.ts';

/** Where going on, or going back, would go in circles or do harm: then swapctl stops and says so. */

// So often a new container that somebody took away is made again.
const MOST_VANISHED = 3;
// So often the old container is started to get it back.
const MOST_STARTS = 3;

/** Why a candidate can't be taken back; undefined if it can. */
export function whyNoWayBack(seen: Observed, candidate: Replica, why: SwapError): SwapError | undefined {
  const { name, roll, imageBefore } = candidate;
  if (roll === undefined) {
    const message = `${name} is in the way, and swapctl did not make it (${why.message})`;
    return new SwapError('attention', message, { hint: 'rename or remove it, then run swapctl again' });
  }
  if (seen.incumbent) return whyDown(seen.incumbent);
  if (imageBefore) return undefined;
  const message = `the roll to ${name} can't be undone: the old container is gone, and its image is unknown (${why.message})`;
  return new SwapError('attention', message, { hint: 'fix it by hand, or roll to a working image with --image' });
}

/** Why the old container is not started once more; undefined where it may be. */
export function whyDown({ running, starts, verdict, name }: Replica): SwapError | undefined {
  if (running || starts < MOST_STARTS) return undefined;
  const reason = verdict.kind === 'failed' ? `: ${verdict.reason}` : '';
  return new SwapError('attention', `the old container (${name}) does not stay up any more${reason}`, {
    hint: `see docker logs ${name}; once it can start, swapctl recover does the rest`,
  });
}

/** What to say instead of a failure that leaves the old container serving as before, where somebody keeps it from that. */
export function whyNotAsBefore({ incumbent }: Observed, failure: SwapError): SwapError | undefined {
  if (exitStatus(failure.code) !== 1 || !incumbent) return undefined;
  const { name, verdict, running } = incumbent;
  const failed = verdict.kind === 'failed' ? verdict : undefined;
  if (running && failed?.blame !== 'person') return undefined;
  const message = `${failure.message}; and the old container (${name}) does not serve: ${failed?.reason ?? 'it is down'}`;
  return new SwapError('attention', message, { hint: `docker start ${name}, or docker unpause`, log: failure.log });
}

/** Why no new container is made once more; undefined where one may be. */
export function whyInVain(seen: Observed, incumbent: Replica): SwapError | undefined {
  // One that is removed on exit says by its absence that it failed; another one somebody took away.
  if (incumbent.autoRemove && seen.vanished > seen.takenAway) {
    const status = seen.goneWith === undefined ? '' : ` with status ${seen.goneWith}`;
    const code = isKilled(seen.goneWith) ? 'unproven' : 'not-healthy';
    return new SwapError(code, `it exited${status}, and the engine removed it (--rm)`);
  }
  if (seen.vanished < MOST_VANISHED) return undefined;
  return new SwapError(
    'attention',
    `a user or another program keeps removing the new container of ${seen.names.home}`,
    {
      hint: 'find out which one (docker events), then roll again',
    },
  );
}
