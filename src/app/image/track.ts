import type { ImageRef } from '../../core/model/reference.ts';
import { needsTags, nothingComparable, type Track, trackedNow } from '../../core/update/track.ts';
import type { Ports } from '../../ports/ports.ts';
import type { PreparedSlot } from '../rollout/prepared-slot.ts';
import type { RollOptions } from '../rollout/roll-slot.ts';

/** The reference to roll to, and a note if the track can find nothing newer. */
export interface ReferenceNow {
  readonly reference: ImageRef;
  readonly note: string | undefined;
}

/** The reference to track now: the newest tag that the track allows, else the present one. */
export async function referenceNow(
  { registry }: Pick<Ports, 'registry'>,
  track: Track,
  follows: ImageRef,
  signal: AbortSignal,
): Promise<ReferenceNow> {
  if (!needsTags(track, follows)) return { reference: follows, note: undefined };
  const tags = await registry.tags(follows, signal);
  return { reference: trackedNow(track, follows, tags), note: nothingComparable(track, follows, tags) };
}

/** The reference to roll to. If the policy forbids asking registries, it is the present one. */
export async function referenceWanted(
  ports: Ports,
  { track, follows, slotName }: Pick<PreparedSlot, 'track' | 'follows' | 'slotName'>,
  { pull, signal }: Pick<RollOptions, 'pull' | 'signal'>,
): Promise<ImageRef> {
  if (pull === 'never' || pull === 'missing') return follows;
  const { reference, note } = await referenceNow(ports, track, follows, signal);
  if (note !== undefined) ports.report({ kind: 'note', text: `${slotName}: ${note}` });
  return reference;
}
