import type { ContainerSummary } from '../core/container.ts';
import type { Ports } from '../ports.ts';

/** A program that removes files, and an image that is on the engine and has it. */
export interface Eraser {
  readonly image: string;
  readonly program: string;
}

const PLACES = ['/bin/rm', '/usr/bin/rm', '/busybox/rm'];

/**
 * Finds a way to empty a volume: the engine's API has none but to run a program. The container that bears the `preferred` image
 * comes first, then all others; none is started, only looked into. Undefined where none has it.
 */
export async function findEraser(
  ports: Ports,
  all: readonly ContainerSummary[],
  preferred: string,
): Promise<Eraser | undefined> {
  const byImage = new Map(all.map((container) => [container.imageId, container]));
  const first = byImage.get(preferred);
  for (const { id, imageId } of [...(first ? [first] : []), ...byImage.values()]) {
    for (const program of PLACES) if (await ports.engine.hasPath(id, program)) return { image: imageId, program };
  }
  return undefined;
}
