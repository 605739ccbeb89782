import { parseReference } from '../model/reference.ts';
import { followedNow, type Track } from '../update/track.ts';
import type { PushedRepository } from './hint.ts';

/** True: the reference is in the repository of the push, and its tag policy may choose a pushed tag. */
export function concerns(push: PushedRepository, tracked: string, track: Track): boolean {
  return isPushedTo(push, tracked) && mayFollow(push.tags, tracked, track);
}

/** True: the reference is in the repository of the push, with any tag. */
export function isPushedTo({ repository, also = [], below }: PushedRepository, tracked: string): boolean {
  const name = repositoryName(tracked);
  if (name === undefined) return false;
  return [repository, ...also].some((one) => name === one || (below === true && name.startsWith(`${one}/`)));
}

function mayFollow(tags: readonly string[], tracked: string, track: Track): boolean {
  const { tag, digest } = parseReference(tracked);
  if (digest !== undefined) return false;
  if (tags.length === 0 || (tag !== undefined && tags.includes(tag))) return true;
  try {
    return followedNow(track, tracked, tags) !== tracked;
  } catch {
    // The check reports the mistake in the setting.
    return true;
  }
}

function repositoryName(reference: string): string | undefined {
  try {
    const { registry, repository } = parseReference(reference);
    return `${registry}/${repository}`;
  } catch {
    return undefined;
  }
}
