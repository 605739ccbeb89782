import { SwapError } from '../../core/model/error.ts';
import type { Ports } from '../../ports/ports.ts';

/** The error for a full disk on the engine; `what` failed, and `cause` is the engine's error. */
export async function diskFull(ports: Ports, what: string, cause: Error): Promise<SwapError> {
  const { name, endpoint } = await ports.engine.facts();
  return new SwapError('disk-full', `${what}: the disk of ${name || endpoint} is full (${cause.message})`, {
    hint: 'free some space there (docker system df shows what uses it), then roll again',
    cause,
  });
}
