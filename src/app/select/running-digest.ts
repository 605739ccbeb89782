import type { Container, ContainerSummary, ImageSummary } from '../../core/model/container.ts';
import { digestsFor } from '../../core/model/image.ts';
import { type ImageRef, isImageId, parseReference } from '../../core/model/reference.ts';
import type { StateLabels } from '../../core/service/labels.ts';
import { imageOf, type Look, stateOf } from './own.ts';

/** The registry's digest of a container's image; undefined if it is in no registry. */
export async function digestOf(look: Look, container: Container): Promise<string | undefined> {
  const state = await stateOf(look, container);
  const image = await imageOf(look, container.imageId);
  const reference = container.config.Image ?? '';
  return (
    state?.digest ?? (image && !isImageId(reference) ? digestsFor(image, parseReference(reference))[0] : undefined)
  );
}

interface Listed {
  readonly member: Pick<ContainerSummary, 'imageId'>;
  readonly image: ImageSummary | undefined;
  readonly state: StateLabels | undefined;
}

/** The same from lists, for a container that tracks the reference; the image's id if there is none. */
export function shownDigest({ image, member, state }: Listed, follows: ImageRef | undefined): string {
  const known = image && follows ? digestsFor(image, follows)[0] : undefined;
  return state?.digest ?? known ?? member.imageId;
}
