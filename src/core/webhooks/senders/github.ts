import { type HookMessage, ignored, malformed, pushed, type ReadHook } from '../hint.ts';
import { at, push, repositoryOf, shown, splitName, textAt } from '../parts.ts';

const HOST = 'ghcr.io';
const ACTIONS = ['published', 'updated'];

/** GitHub's container registry: the events `registry_package` and `package`. */
export const readGithub: ReadHook = (message) => {
  const event = eventOf(message);
  if (event === undefined) return malformed('it has no header X-GitHub-Event');
  if (event === 'ping') return ignored('GitHub tests the hook (ping)');
  if (event !== 'registry_package' && event !== 'package')
    return ignored(`the event ${shown(event)} says nothing about images`);
  const action = textAt(message.body, 'action') ?? '';
  if (!ACTIONS.includes(action)) return ignored(`${event} ${shown(action)} pushes nothing`);
  const found = at(message.body, event);
  const type = textAt(found, 'package_type') ?? textAt(found, 'ecosystem') ?? '';
  if (type.toLowerCase() !== 'container') return ignored(`a package of type ${shown(type)} is not an image`);
  return pushed(`${event} ${action}`, [pushOf(found, message.registry)]);
};

function pushOf(found: unknown, registry: string | undefined): ReturnType<typeof push> {
  const version = at(found, 'package_version');
  const url = splitName(textAt(version, 'package_url'));
  const owner = textAt(found, 'namespace') ?? textAt(found, 'owner', 'login') ?? '';
  const path = url.path || `${owner}/${textAt(found, 'name') ?? ''}`;
  const tag = textAt(version, 'container_metadata', 'tag', 'name') ?? url.tag;
  const digest = textAt(version, 'container_metadata', 'manifest', 'digest') ?? textAt(version, 'version');
  return push([repositoryOf(registry ?? (url.host || HOST), path)], [tag], digest);
}

// Without headers, as in a trial, the document shows which of the two events it is.
function eventOf({ headers, body }: HookMessage): string | undefined {
  const named = headers['x-github-event'];
  return named ?? ['registry_package', 'package'].find((event) => at(body, event) !== undefined);
}
