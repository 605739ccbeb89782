import { ignored, malformed, NO_TAG, pushed, type ReadHook } from '../hint.ts';
import { at, listAt, push, repositoryOf, shown, splitName, tagsIn, textAt } from '../parts.ts';

/** Names of the event, and where each format has its data. */
const PUSHES: Readonly<Record<string, string>> = { PUSH_ARTIFACT: 'event_data', 'harbor.artifact.pushed': 'data' };

/** Harbor, in its own format and as CloudEvents. */
export const readHarbor: ReadHook = ({ body, registry }) => {
  const type = textAt(body, 'type');
  if (type === undefined) return malformed('it has no type');
  const key = Object.hasOwn(PUSHES, type) ? PUSHES[type] : undefined;
  if (key === undefined) return ignored(`the event ${shown(type)} is not a push`);
  const data = at(body, key);
  const resources = listAt(data, 'resources');
  // The tag of an artifact without one is its digest.
  const tagged = resources.filter((resource) => tagsIn([textAt(resource, 'tag')]).length > 0);
  if (resources.length > 0 && tagged.length === 0) return ignored(NO_TAG);
  const pushes = tagged.map((resource) => {
    const url = splitName(textAt(resource, 'resource_url'));
    const path = textAt(data, 'repository', 'repo_full_name') ?? url.path;
    const name = repositoryOf(registry ?? url.host, path);
    return push([name], [textAt(resource, 'tag')], textAt(resource, 'digest'));
  });
  return pushed(type, pushes);
};
