import type { ContainerSummary, ImageSummary } from '../../core/model/container.ts';
import { canonical, type ImageRef, isImageId, readReference } from '../../core/model/reference.ts';
import { decodeState } from '../../core/service/labels.ts';
import type { Ports } from '../../ports/ports.ts';

/** The tracked reference of a container; undefined if it is a bare id, and no single tag names it. */
export async function trackedReferenceOf(
  { engine }: Pick<Ports, 'engine'>,
  member: ContainerSummary,
  image: ImageSummary | undefined,
): Promise<ImageRef | undefined> {
  const noted = decodeState(member.labels)?.follows;
  if (noted && !isImageId(noted)) return readReference(noted);
  if (!isImageId(member.image)) return readReference(member.image);
  // The list shows the id instead, once the tag is on another image.
  const written = (await engine.container(member.id))?.config.Image;
  if (written && !isImageId(written)) return readReference(written);
  const [tag = ''] = image?.tags ?? [];
  return image?.tags.length === 1 ? readReference(tag) : undefined;
}

/** Images by their tags, in one spelling. */
export function namesOf(images: readonly ImageSummary[]): ReadonlyMap<string, ImageSummary> {
  return new Map(images.flatMap((image) => image.tags.flatMap((tag) => named(tag, image))));
}

// A name that is not a reference can't be tracked.
function named(tag: string, image: ImageSummary): [string, ImageSummary][] {
  const ref = readReference(tag);
  return ref ? [[canonical(ref), image]] : [];
}
