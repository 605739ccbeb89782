import type { Container, ContainerSummary, Image } from '../../core/model/container.ts';
import {
  isSealed,
  type Labels,
  NO_LABELS,
  type OwnedLabels,
  type OwnLabels,
  owned,
} from '../../core/model/own-labels.ts';
import { decodeState, type StateLabels } from '../../core/service/labels.ts';
import type { Engine } from '../../ports/engine.ts';
import type { Ports } from '../../ports/ports.ts';

/** Facts about an engine that never change: the labels of images, since an id is a hash of the image. */
interface Known {
  readonly images: Map<string, Labels>;
  /** Of containers, by id. */
  own: ReadonlyMap<string, OwnedLabels>;
}

const KNOWN = new WeakMap<object, Known>();

type Lists = Pick<Engine, 'list' | 'images'>;

/** All containers of the engine, each with its own labels only. Lists all images at once when a container has an unknown one. */
export async function listed(engine: Lists): Promise<ContainerSummary[]> {
  const all = await engine.list();
  const known: Known = KNOWN.get(engine) ?? { images: new Map(), own: new Map() };
  KNOWN.set(engine, known);
  // After the containers, so that the list has the image of each, unless it is gone.
  if (all.some((one) => !known.images.has(one.imageId) && !isSealed(one)))
    for (const { id, labels } of await engine.images()) known.images.set(id, labels);
  const before = known.own;
  const now = new Map(all.map((one) => [one.id, owned(one, known.images.get(one.imageId), before.get(one.id))]));
  known.own = now;
  return all.map((one) => ({ ...one, labels: now.get(one.id)?.own ?? NO_LABELS }));
}

/** The labels of an inspected container that are its own. */
export async function ownOf(look: Look, container: Container): Promise<OwnLabels> {
  const { id, name, imageId, config } = container;
  const image = await imageOf(look, imageId);
  const inherited = image && (image.config.Labels ?? NO_LABELS);
  const found = owned({ name, imageId, labels: config.Labels ?? {} }, inherited, look.images.own.get(id));
  look.images.own.set(id, found);
  return found.own;
}

/** The state labels of a container that are its own. */
export async function stateOf(look: Look, container: Container): Promise<StateLabels | undefined> {
  return decodeState(await ownOf(look, container));
}

/** An inspected container in the form of the list, with its own labels. */
export async function summaryOf(look: Look, container: Container): Promise<Summed> {
  const { id, name, status, imageId } = container;
  return { id, name, status, imageId, labels: await ownOf(look, container) };
}

type Summed = Pick<ContainerSummary, 'id' | 'name' | 'status' | 'imageId' | 'labels'>;

/** Images that were asked for once: an id never names another image. */
export interface ImageCache {
  readonly byId: Map<string, Image | undefined>;
  /** Labels of inspected containers, by id. */
  readonly own: Map<string, OwnedLabels>;
}

export function imageCache(): ImageCache {
  return { byId: new Map(), own: new Map() };
}

/** The engine, and the known facts about its images. */
export interface Look {
  readonly ports: Pick<Ports, 'engine'>;
  readonly images: ImageCache;
}

/** An image by id. */
export async function imageOf({ ports, images: { byId } }: Look, id: string): Promise<Image | undefined> {
  const known = byId.get(id) ?? (await ports.engine.image(id));
  byId.set(id, known);
  return known;
}
