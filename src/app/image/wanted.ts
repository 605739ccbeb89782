import { commitIn } from '../../core/build/git.ts';
import { fail } from '../../core/model/error.ts';
import type { PinnedImage } from '../../core/model/image.ts';
import { parseReference } from '../../core/model/reference.ts';
import type { CheckedTarget } from '../../core/update/roll-target.ts';
import type { Ports } from '../../ports/ports.ts';
import type { PreparedSlot } from '../rollout/prepared-slot.ts';
import type { RollOptions } from '../rollout/roll-slot.ts';
import { foundCommit, resolveCommit } from './commit.ts';
import { resolveFound, resolveImage } from './image.ts';
import type { Resolved } from './resolved.ts';
import { referenceWanted } from './track.ts';

type Wanted = Pick<RollOptions, 'target' | 'pull' | 'signal'>;

/** The image that a slot is to run: the present meaning of the target of a roll. Raises what asking raises. */
export async function resolveTarget(ports: Ports, slot: PreparedSlot, wanted: Wanted): Promise<Resolved> {
  const { target, pull, signal } = wanted;
  switch (target.kind) {
    case 'followed':
      return resolveTracked(ports, slot, wanted);
    case 'reference':
      return resolveImage(ports, target.reference, pull, slot.container, signal);
    case 'digest':
      return resolveFound(ports, slot.follows, target.digest);
    case 'checked':
      return resolveChecked(ports, slot, target);
    case 'local':
      return resolveLocal(ports, target.image);
  }
}

// A repository's newest commit, if the service is built from one.
async function resolveTracked(ports: Ports, slot: PreparedSlot, wanted: Wanted): Promise<Resolved> {
  const { git } = slot.policy;
  const { pull, signal } = wanted;
  notePinned(ports, slot);
  if (git && (pull === 'auto' || pull === 'always')) return resolveCommit(ports, git, slot.follows, signal);
  return resolveImage(ports, await referenceWanted(ports, slot, wanted), pull, slot.container, signal);
}

async function resolveChecked(
  ports: Ports,
  slot: PreparedSlot,
  { reference, digest }: CheckedTarget,
): Promise<Resolved> {
  const ref = parseReference(reference);
  return commitIn(digest) ? foundCommit(slot, ref, digest) : resolveFound(ports, ref, digest);
}

async function resolveLocal(ports: Ports, { id, follows }: PinnedImage): Promise<Resolved> {
  const image = await ports.engine.image(id);
  if (image) return { kind: 'local', follows: parseReference(follows), image };
  return fail('no-such-image', `the image ${id} is not on the engine any more`);
}

function notePinned(ports: Ports, { slotName, follows }: PreparedSlot): void {
  if (follows.digest === undefined) return;
  const text = `${slotName}: its image is pinned to a digest, so swapctl looks for nothing newer; change the digest where the container is defined, or name an image with --image`;
  ports.report({ kind: 'note', text });
}
