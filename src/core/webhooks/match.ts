import { type ImageRef, repositoryName } from '../model/reference.ts';
import { type Track, trackedNow } from '../update/track.ts';
import type { PushedRepository } from './hint.ts';

/** True: the reference is in the repository of the push, and its tag policy may choose a pushed tag. */
export function concerns(push: PushedRepository, tracked: ImageRef, track: Track): boolean {
  return isPushedTo(push, tracked) && mayFollow(push.tags, tracked, track);
}

/** True: the reference is in the repository of the push, with any tag. */
export function isPushedTo({ repository, also = [], below }: PushedRepository, tracked: ImageRef): boolean {
  const name = repositoryName(tracked);
  return [repository, ...also].some((one) => name === one || (below === true && name.startsWith(`${one}/`)));
}

function mayFollow(tags: readonly string[], tracked: ImageRef, track: Track): boolean {
  const { tag, digest } = tracked;
  if (digest !== undefined) return false;
  if (tags.length === 0 || (tag !== undefined && tags.includes(tag))) return true;
  try {
    return trackedNow(track, tracked, tags) !== tracked;
  } catch {
    // The check reports the mistake in the setting.
    return true;
  }
}
