import { parseReference } from '../../core/model/reference.ts';
import type { Ports } from '../../ports/ports.ts';
import type { PreparedSlot } from '../rollout/prepared-slot.ts';
import type { RollOptions } from '../rollout/roll-slot.ts';
import { resolveCommit } from './commit.ts';
import { resolveImage } from './image.ts';
import type { Resolved } from './resolved.ts';
import { referenceWanted } from './track.ts';

/**
 * The desired image of a slot by its tracked source: a repository's newest commit, if it is built from one, else the target of
 * its reference. Raises the errors of the source.
 */
export async function resolveWanted(
  ports: Ports,
  slot: PreparedSlot,
  options: Pick<RollOptions, 'image' | 'pull' | 'signal'>,
): Promise<Resolved> {
  const { git } = slot.policy;
  const { image, pull, signal } = options;
  if (image === undefined) notePinned(ports, slot);
  const asks = image === undefined && (pull === 'auto' || pull === 'always');
  if (git && asks) return resolveCommit(ports, git, slot.follows, signal);
  return resolveImage(ports, await referenceWanted(ports, slot, options), pull, slot.container, signal);
}

function notePinned(ports: Ports, { home, follows }: PreparedSlot): void {
  if (parseReference(follows).digest === undefined) return;
  const text = `${home}: its image is pinned to a digest, so swapctl looks for nothing newer; change the digest where the container is defined, or name an image with --image`;
  ports.report({ kind: 'note', text });
}
