import type { Container } from './container.ts';
import { decodeState } from './labels.ts';
import { isComposed, type OwnLabels } from './own-labels.ts';

// docker run starts what it has just created; after a later start (docker start, a restart of the engine) its client is gone.
const STARTED_BY_RUN_MS = 10_000;

/**
 * What to say of a roll that ends a docker run which may still wait for its container; undefined where none does. The engine does not
 * tell who is attached. It tells who asked for that at the creation, which compose and swapctl's own copies always do.
 */
export function attachedNote({ name, config, createdAt, startedAt }: Container, own: OwnLabels): string | undefined {
  const asked = config.AttachStdout === true || config.AttachStderr === true;
  if (!asked || isComposed(own) || decodeState(own) !== undefined || startedAt - createdAt > STARTED_BY_RUN_MS)
    return undefined;
  return (
    `${name} was not started with --detach: if its docker run still waits in a terminal or a script, it ends when the old container stops; ` +
    `the new container runs detached (docker logs --follow ${name})`
  );
}
