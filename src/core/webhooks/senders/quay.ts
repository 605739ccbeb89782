import { ignored, pushed, type ReadHook } from '../hint.ts';
import { at, listAt, push, repositoryOf, splitName, textAt } from '../parts.ts';

/** Quay: only the notification of a push has `updated_tags`. */
export const readQuay: ReadHook = ({ body, registry }) => {
  const updated = at(body, 'updated_tags');
  if (updated === undefined) return ignored('it has no updated_tags, so it is not a push');
  const { host, path } = splitName(textAt(body, 'docker_url'));
  // Older versions of Quay have an object here, of tags and image ids.
  const tags = Array.isArray(updated) ? listAt(body, 'updated_tags') : Object.keys(updated ?? {});
  return pushed('push', [push([repositoryOf(registry ?? host, path)], tags)]);
};
