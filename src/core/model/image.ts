import type { Container, Image } from './container.ts';
import { type ImageRef, parseReference, sameRepository } from './reference.ts';

/** One exact image that is on the engine. Only such a one can be rolled to; a reference can't. */
export interface PinnedImage {
  /** What the new container's `Image` field will say: the reference that the user follows. */
  readonly follows: string;
  /** The engine's id of the image. */
  readonly id: string;
  /** The registry's digest of the reference (of the index, if it is one); undefined for a local build. */
  readonly digest: string | undefined;
}

/** When an image is fetched from its registry. `auto`: always, but a local build is taken as it is. */
export type PullPolicy = 'auto' | 'always' | 'missing' | 'never';

export const PULL_POLICIES: readonly PullPolicy[] = ['always', 'missing', 'never'];

/** The digests under which the image is known in the repository of the reference (T35: match by repository, then digest). */
export function digestsFor(image: Pick<Image, 'digests'>, reference: string): string[] {
  const wanted = parseReference(reference);
  return image.digests
    .flatMap((entry) => known(entry))
    .filter((entry) => sameRepository(entry, wanted))
    .flatMap((entry) => (entry.digest === undefined ? [] : [entry.digest]));
}

// What an engine lists beside (`<none>@<none>`, or a form from the future) is no reason to fail.
function known(entry: string): ImageRef[] {
  try {
    return [parseReference(entry)];
  } catch {
    return [];
  }
}

/** Whether a container already runs the image: same id, or (containerd store) the same manifest for the platform (T36, T37). */
export function runs(
  container: Pick<Container, 'imageId' | 'manifestDigest'>,
  image: Pick<Image, 'id' | 'manifestDigest'>,
): boolean {
  if (container.imageId === image.id) return true;
  return container.manifestDigest !== undefined && container.manifestDigest === image.manifestDigest;
}
