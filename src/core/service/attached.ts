import type { Container } from '../model/container.ts';
import { isComposed, type OwnLabels } from '../model/own-labels.ts';
import { decodeState } from './labels.ts';
import type { Why } from './managed.ts';

// docker run starts a container right after creating it; after a later start (docker start, a restart of the engine) its client
// is gone.
const STARTED_BY_RUN_MS = 10_000;

/**
 * The note about a roll that ends a docker run which may still wait for its container; undefined if none does. The engine does
 * not show attached clients. It shows who asked to attach at the creation, which compose and swapctl always do.
 */
export function attachedNote({ name, config, createdAt, startedAt }: Container, own: OwnLabels): string | undefined {
  const asked = config.AttachStdout === true || config.AttachStderr === true;
  if (!asked || isComposed(own) || decodeState(own) !== undefined || startedAt - createdAt > STARTED_BY_RUN_MS)
    return undefined;
  return (
    'the old container was not started with --detach: if its docker run still waits in a terminal or a script, that ends when the container ' +
    `stops; the new one runs detached (docker logs --follow ${name})`
  );
}

/**
 * Why a container is rolled only if a user insists: a docker run in the foreground waits for its end. Undefined for containers
 * that run detached, have a restart policy, or were made by compose or swapctl. Podman does not show attached clients.
 */
export function whyAttached({ name, config, host }: Container, own: OwnLabels): Why | undefined {
  if (isComposed(own) || decodeState(own)?.role === 'replica' || isRestarted(host)) return undefined;
  const kind = kindOf(config, host);
  return kind === undefined ? undefined : { message: `${name} is ${kind}`, hint: HINT };
}

const HINT =
  'end it and start it again with the new image; if it is a service, enable it in swapctl.yml, or roll it with --force';

function isRestarted({ RestartPolicy }: Container['host']): boolean {
  return !['no', '', undefined].includes(RestartPolicy?.Name);
}

function kindOf(config: Container['config'], { AutoRemove }: Container['host']): string | undefined {
  // The engine closes such an input when its client disconnects, so only a foreground run asks for it.
  if (config.OpenStdin === true && config.StdinOnce === true)
    return 'an interactive docker run (-i): a roll would end its session, and nobody could type into the new container';
  if (AutoRemove === true && (config.AttachStdout === true || config.AttachStderr === true))
    return 'a docker run --rm in the foreground: a roll would end it for the terminal, script or unit that waits for it';
  return undefined;
}
