import { readReference } from '../../model/reference.ts';
import { ignored, malformed, type PushedRepository, pushed, type ReadHook } from '../hint.ts';
import { listAt, push, repositoryOf, shown, splitName, textAt } from '../parts.ts';

const EVENT = 'image.pushed';
const LONGEST = 512;

/**
 * A message of one's own, for a pipeline that pushes images: `{ type: 'image.pushed', data: { image } }`, or `images` for
 * several. Without a tag it means all tags of the repository.
 */
export const readStandard: ReadHook = ({ body, registry }) => {
  const type = textAt(body, 'type');
  if (type === undefined) return malformed('it has no type');
  if (type !== EVENT) return ignored(`the event ${shown(type)} is not ${EVENT}`);
  const images = [textAt(body, 'data', 'image'), ...listAt(body, 'data', 'images')];
  return pushed(
    EVENT,
    images.map((image) => imageOf(image, registry)),
  );
};

function imageOf(image: unknown, registry: string | undefined): PushedRepository | undefined {
  if (typeof image !== 'string' || image.length > LONGEST) return undefined;
  const ref = readReference(image);
  return ref && push([repositoryOf(registry ?? ref.registry, ref.repository)], [splitName(image).tag], ref.digest);
}
