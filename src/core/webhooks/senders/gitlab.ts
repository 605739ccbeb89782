import { type HookMessage, ignored, malformed, pushed, type ReadHook } from '../hint.ts';
import { hostOf, push, repositoryOf, shown, textAt } from '../parts.ts';

/** The path to the result in each event. */
const RESULTS: Readonly<Record<string, readonly string[]>> = {
  pipeline: ['object_attributes', 'status'],
  deployment: ['status'],
  build: ['build_status'],
};

/** GitLab has no event for a pushed image: a pipeline, job or deployment that succeeded is the hint, for all images of the project. */
export const readGitlab: ReadHook = ({ body, registry }) => {
  const kind = textAt(body, 'object_kind');
  if (kind === undefined) return malformed('it has no object_kind');
  const path = Object.hasOwn(RESULTS, kind) ? RESULTS[kind] : undefined;
  if (path === undefined) return ignored(`the event ${shown(kind)} says nothing about images`);
  const result = textAt(body, ...path) ?? '';
  if (result !== 'success') return ignored(`the ${kind} has the status ${shown(result)}, not success`);
  const project = textAt(body, 'project', 'path_with_namespace');
  const names = hostsOf(body, registry).map((host) => repositoryOf(host, project));
  const found = push(names, []);
  return pushed(`${kind} success`, [found && { ...found, below: true }]);
};

// The registry of an instance has a name of its own, or a port of its own: both are presets of GitLab's packages.
function hostsOf(body: unknown, registry: HookMessage['registry']): string[] {
  if (registry !== undefined) return [registry];
  const host = hostOf(textAt(body, 'project', 'web_url'))?.replace(/:\d+$/, '');
  return host === undefined ? [] : [`registry.${host}`, `${host}:5050`, host];
}
