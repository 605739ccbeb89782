import { pushed, type ReadHook } from '../hint.ts';
import { push, repositoryOf, textAt } from '../parts.ts';

/** Docker Hub sends nothing but pushes, without a name for the event. */
export const readDockerHub: ReadHook = ({ body, registry }) => {
  const repository = repositoryOf(registry ?? 'docker.io', textAt(body, 'repository', 'repo_name'));
  return pushed('push', [push([repository], [textAt(body, 'push_data', 'tag')])]);
};
