import { ignored, malformed, NO_TAG, pushed, type ReadHook } from '../hint.ts';
import { at, listAt, push, repositoryOf, tagsIn, textAt } from '../parts.ts';

/** Notifications of CNCF distribution, and of registries built on it. */
export const readDistribution: ReadHook = ({ body, registry }) => {
  if (!Array.isArray(at(body, 'events'))) return malformed('it has no events');
  const pushes = listAt(body, 'events').filter((event) => textAt(event, 'action') === 'push');
  if (pushes.length === 0) return ignored('none of its events is a push');
  // Layers have no tag, and neither do the images of one platform.
  const tagged = pushes.filter((event) => tagsIn([textAt(event, 'target', 'tag')]).length > 0);
  if (tagged.length === 0) return ignored(NO_TAG);
  const found = tagged.map((event) => {
    const name = repositoryOf(registry ?? textAt(event, 'request', 'host'), textAt(event, 'target', 'repository'));
    return push([name], [textAt(event, 'target', 'tag')], textAt(event, 'target', 'digest'));
  });
  return pushed('push', found);
};
