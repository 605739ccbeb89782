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
  /** Milliseconds of the engine's clock. */
  readonly until: number;
}

const KEPT = new WeakMap<object, ReadonlyMap<string, Kept>>();
// A server that is asked each second would inspect hundreds of containers each time, and take seconds for it.
const LEAST_MS = 20_000;

type Asked = Pick<Engine, 'container' | 'image'>;

/**
 * Inspects containers of a list, except those that an earlier look has inspected and whose lines are the same: state, health, start
 * and networks are in the line. `now` is in milliseconds of the engine's clock. Changes that are in no line (a new restart policy, a new digest of the image) are seen within 40 s.
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
    if (kept && kept.until > now && isSame(kept, one, now)) current.set(one.id, kept);
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

const SECONDS = /\b(?:(\d+) seconds?|Less than a second)\b/;
// The list is older than the look, by a busy engine.
const ABOUT_MS = 3000;

// Within the first minute, the words of the engine change each second: a start is new if it does not fit the one that is known.
function isSame({ line, container }: Kept, one: ContainerSummary, now: number): boolean {
  if (line !== lineOf(one)) return false;
  const young = SECONDS.exec(one.statusText ?? '');
  return !young || Math.abs(now - container.startedAt - Number(young[1] ?? 0) * 1000) < ABOUT_MS;
}

function lineOf({ statusText, ...rest }: ContainerSummary): string {
  return JSON.stringify([statusText?.replace(SECONDS, 'seconds'), rest]);
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
