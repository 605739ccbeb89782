import { ignored, malformed, pushed, type ReadHook } from '../hint.ts';
import { at, hostOf, push, repositoryOf, shown, textAt } from '../parts.ts';

const EVENTS = ['pushed', 'promoted'];

/** Artifactory: the events of its domain `docker`. */
export const readArtifactory: ReadHook = ({ body, registry }) => {
  const event = textAt(body, 'event_type');
  if (event === undefined) return malformed('it has no event_type');
  const domain = textAt(body, 'domain') ?? 'docker';
  if (domain !== 'docker' || !EVENTS.includes(event))
    return ignored(`the event ${shown(`${domain} ${event}`)} pushes no image`);
  const data = at(body, 'data') ?? body;
  const host = registry ?? hostOf(textAt(body, 'jpd_origin'));
  if (host === undefined) return malformed('it has no jpd_origin, and the hook has no registry in swapctl.yml');
  const [key, image] = [textAt(data, 'repo_key') ?? '', textAt(data, 'image_name')];
  const digest = textAt(data, 'sha256');
  return pushed(`docker ${event}`, [
    push(namesOf(host, key, image ?? ''), [textAt(data, 'tag')], digest && `sha256:${digest}`),
  ]);
};

// Artifactory serves a Docker repository by path, by subdomain, or on a host of its own.
function namesOf(host: string, key: string, image: string): (string | undefined)[] {
  return [
    repositoryOf(host, `${key}/${image}`),
    /^[\w-]+$/.test(key) ? repositoryOf(`${key}.${host}`, image) : undefined,
    repositoryOf(host, image),
  ];
}
