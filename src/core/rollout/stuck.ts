import { isKilled } from '../health/blame.ts';
import { exitStatus, SwapError } from '../model/error.ts';
import type { Observed, Replica } from './observed.ts';

/** The situations in which another try would loop or do harm: then swapctl stops and says so. */

// The maximum number of candidates to create again after a user removed them.
const MOST_VANISHED = 3;
// The maximum number of starts of the incumbent during an undo.
const MOST_STARTS = 3;

/** Why a candidate can't be undone; undefined if it can. */
export function whyNoUndo(seen: Observed, candidate: Replica, why: SwapError): SwapError | undefined {
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

/** Why the incumbent is not started again; undefined if it may be. */
export function whyDown({ running, starts, verdict, name }: Replica): SwapError | undefined {
  if (running || starts < MOST_STARTS) return undefined;
  const reason = verdict.kind === 'failed' ? `: ${verdict.reason}` : '';
  return new SwapError('attention', `the old container (${name}) does not stay up any more${reason}`, {
    hint: `see docker logs ${name}; once it can start, swapctl recover does the rest`,
  });
}

/** The error instead of one that says "serves as before", if something keeps the incumbent from serving. */
export function whyNotAsBefore({ incumbent }: Observed, failure: SwapError): SwapError | undefined {
  if (exitStatus(failure.code) !== 1 || !incumbent) return undefined;
  const { name, verdict, running } = incumbent;
  const failed = verdict.kind === 'failed' ? verdict : undefined;
  if (running && failed?.blame !== 'person') return undefined;
  const message = `${failure.message}; and the old container (${name}) does not serve: ${failed?.reason ?? 'it is down'}`;
  return new SwapError('attention', message, { hint: `docker start ${name}, or docker unpause`, log: failure.log });
}

/** Why no candidate is created again; undefined if one may be. */
export function whyInVain(seen: Observed, incumbent: Replica): SwapError | undefined {
  // The absence of a container with --rm shows that it failed; a user removed any other.
  if (incumbent.autoRemove && seen.vanished > seen.removedByUser) {
    const status = seen.goneWith === undefined ? '' : ` with status ${seen.goneWith}`;
    const code = isKilled(seen.goneWith) ? 'unproven' : 'not-healthy';
    return new SwapError(code, `it exited${status}, and the engine removed it (--rm)`);
  }
  if (seen.vanished < MOST_VANISHED) return undefined;
  return new SwapError(
    'attention',
    `a user or another program keeps removing the new container of ${seen.names.slotName}`,
    {
      hint: 'find out which one (docker events), then roll again',
    },
  );
}
