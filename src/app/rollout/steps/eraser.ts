import type { ContainerSummary } from '../../../core/model/container.ts';
import { copyingRequest } from '../../../core/recreate/request.ts';
import { encodeState } from '../../../core/service/labels.ts';
import { slotNames } from '../../../core/service/names.ts';
import type { Ports } from '../../../ports/ports.ts';

/** A program that removes files, and an image on the engine that has it. */
export interface Eraser {
  readonly image: string;
  readonly program: string;
}

/** The images whose program may empty a slot's volumes: it runs as root, so no foreign image qualifies. */
export interface Trusted {
  readonly service: string;
  readonly slotName: string;
  /** Ids of the images that the slot runs, ran, or is to run. */
  readonly images: readonly string[];
  /** The image that a setting names (`backup.eraser`). */
  readonly named: string | undefined;
}

const PLACES = ['/bin/rm', '/usr/bin/rm', '/busybox/rm'];

/**
 * Finds a way to empty a volume: the engine's API can only run a program. It may come from the slot's own images, from the image
 * of swapctl itself, or from the one that a setting names; nothing is started for the search. Undefined if none has it.
 */
export async function findEraser(
  ports: Ports,
  all: readonly ContainerSummary[],
  trusted: Trusted,
): Promise<Eraser | undefined> {
  const own = all.find(({ id }) => id === ports.host.containerId)?.imageId;
  for (const image of new Set([...trusted.images, ...(own ? [own] : [])])) {
    const container = all.find(({ imageId }) => imageId === image);
    const program = container && (await programIn(ports, container.id));
    if (program) return { image, program };
  }
  return trusted.named === undefined ? undefined : namedEraser(ports, trusted, trusted.named);
}

async function programIn({ engine }: Ports, container: string): Promise<string | undefined> {
  for (const program of PLACES) if (await engine.hasPath(container, program)) return program;
  return undefined;
}

// The engine can look only into a container, not into an image.
async function namedEraser(
  ports: Ports,
  { service, slotName }: Trusted,
  reference: string,
): Promise<Eraser | undefined> {
  const image = (await ports.engine.image(reference))?.id;
  if (image === undefined) return undefined;
  const note = encodeState({ role: 'copying', service, slot: slotName, base: image });
  const id = await ports.engine.create(copyingRequest(slotNames(slotName).copying, image, note, []));
  try {
    const program = await programIn(ports, id);
    return program === undefined ? undefined : { image, program };
  } finally {
    await ports.engine.remove(id, { discard: true });
  }
}
