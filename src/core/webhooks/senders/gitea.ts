import { ignored, malformed, NO_TAG, pushed, type ReadHook } from '../hint.ts';
import { at, hostOf, push, repositoryOf, shown, tagsIn, textAt } from '../parts.ts';

/** Gitea and Forgejo: the event `package`. */
export const readGitea: ReadHook = ({ headers, body, registry }) => {
  const named = headers['x-forgejo-event'] ?? headers['x-gitea-event'] ?? headers['x-gogs-event'];
  const event = named ?? (at(body, 'package') === undefined ? undefined : 'package');
  if (event === undefined) return malformed('it has no header X-Gitea-Event');
  if (event !== 'package') return ignored(`the event ${shown(event)} says nothing about images`);
  const action = textAt(body, 'action') ?? '';
  if (action !== 'created') return ignored(`package ${shown(action)} pushes nothing`);
  const found = at(body, 'package');
  const type = textAt(found, 'type') ?? '';
  if (type !== 'container') return ignored(`a package of type ${shown(type)} is not an image`);
  const version = textAt(found, 'version');
  if (tagsIn([version]).length === 0 && version !== undefined) return ignored(NO_TAG);
  const host = registry ?? hostOf(textAt(found, 'html_url')) ?? hostOf(textAt(body, 'repository', 'html_url'));
  const path = `${textAt(found, 'owner', 'login') ?? ''}/${textAt(found, 'name') ?? ''}`;
  return pushed('package created', [push([repositoryOf(host, path)], [version])]);
};
