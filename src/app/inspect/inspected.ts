import type { Container, ContainerSummary, Image } from '../../core/model/container.ts';
import type { Engine } from '../../ports/engine.ts';

/** A container and its image, as an inspect shows them. */
export interface Inspected {
  readonly container: Container;
  readonly image: Image | undefined;
}

interface Kept extends Inspected {
  /** The line of the container in the list at that time. */
  readonly line: string;
  /** Milliseconds of this machine's clock. */
  readonly until: number;
}

const KEPT = new WeakMap<object, ReadonlyMap<string, Kept>>();
// A server that is asked each second would inspect hundreds of containers each time, and take seconds for it.
const LEAST_MS = 20_000;

type Asked = Pick<Engine, 'container' | 'image'>;

/**
 * Inspects containers of a list, except those that an earlier look has inspected and whose lines are the same: state, health, start
 * and networks are in the line. Changes that are in no line (a new restart policy, a new digest of the image) are seen within 40 s.
 */
export function inspector(
  engine: Asked,
  all: readonly ContainerSummary[],
  now: number,
): (member: ContainerSummary) => Promise<Inspected | undefined> {
  const before = KEPT.get(engine);
  const current = new Map<string, Kept>();
  for (const one of all) {
    const kept = before?.get(one.id);
    if (kept && kept.until > now && kept.line === lineOf(one)) current.set(one.id, kept);
  }
  KEPT.set(engine, current);
  const images = sharedImages(engine);
  return async (member) => {
    const kept = current.get(member.id);
    if (kept) return kept;
    const container = await engine.container(member.id);
    if (!container) return undefined;
    const found = { container, image: await images(container.imageId) };
    // Without the engine's words, the line does not have the health.
    if (member.statusText) current.set(member.id, { ...found, line: lineOf(member), until: now + lasting(member) });
    return found;
  };
}

function lineOf(member: ContainerSummary): string {
  return JSON.stringify(member);
}

// Spread by the id, so that a look inspects a few of them, and not all at once.
function lasting({ id }: ContainerSummary): number {
  return LEAST_MS + (Number.parseInt(id.slice(0, 4), 16) / 0xffff) * LEAST_MS;
}

function sharedImages(engine: Asked): (id: string) => Promise<Image | undefined> {
  const asked = new Map<string, Promise<Image | undefined>>();
  return (id) => {
    const image = asked.get(id) ?? engine.image(id);
    asked.set(id, image);
    return image;
  };
}
