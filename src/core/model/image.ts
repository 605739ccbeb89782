import type { Container, Image } from './container.ts';
import { type ImageRef, readReference, sameRepository } from './reference.ts';

/** One exact image on the engine. A roll needs a pinned image, not a reference. */
export interface PinnedImage {
  /** The tracked reference: the `Image` field of the candidate. */
  readonly follows: string;
  /** The engine's id of the image. */
  readonly id: string;
  /** The registry's digest of the reference (of the index, if it is one); undefined for a local build. */
  readonly digest: string | undefined;
}

/** When to fetch an image from its registry. `auto`: always, except for a local build. */
export type PullPolicy = 'auto' | 'always' | 'missing' | 'never';

export const PULL_POLICIES: readonly PullPolicy[] = ['always', 'missing', 'never'];

/** The digests of the image in the repository of the reference (T35: match by repository, then digest). */
export function digestsFor(image: Pick<Image, 'digests'>, wanted: ImageRef): string[] {
  // Entries of other forms (`<none>@<none>`) name no digest.
  return image.digests
    .flatMap((entry) => readReference(entry) ?? [])
    .filter((entry) => sameRepository(entry, wanted))
    .flatMap((entry) => (entry.digest === undefined ? [] : [entry.digest]));
}

/** True: the container already runs the image: same id, or (containerd store) same manifest for the platform (T36, T37). */
export function runs(
  container: Pick<Container, 'imageId' | 'manifestDigest'>,
  image: Pick<Image, 'id' | 'manifestDigest'>,
): boolean {
  if (container.imageId === image.id) return true;
  return container.manifestDigest !== undefined && container.manifestDigest === image.manifestDigest;
}
