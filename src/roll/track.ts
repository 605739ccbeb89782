import { followedNow, needsTags, type Track } from '../core/track.ts';
import type { Ports } from '../ports.ts';
import type { PreparedSlot } from './prepare.ts';
import type { RollOptions } from './roll-slot.ts';

/** The reference to follow now: the newest tag that the track allows, else the one followed so far. */
export async function referenceNow(
  { registry }: Pick<Ports, 'registry'>,
  track: Track,
  follows: string,
  signal: AbortSignal,
): Promise<string> {
  return needsTags(track, follows) ? followedNow(track, follows, await registry.tags(follows, signal)) : follows;
}

/** The reference that a roll is to go to. Who forbids to ask registries gets no other tag than the one followed so far. */
export async function referenceWanted(
  ports: Ports,
  { track, follows }: Pick<PreparedSlot, 'track' | 'follows'>,
  { pull, signal }: Pick<RollOptions, 'pull' | 'signal'>,
): Promise<string> {
  return pull === 'never' || pull === 'missing' ? follows : referenceNow(ports, track, follows, signal);
}
