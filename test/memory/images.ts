// Images, their names, and their registry.
import type { ContainerConfig, Image, ImageSummary } from '../../src/core/model/container.ts';
import { SwapError } from '../../src/core/model/error.ts';
import {
  canonical as canonicalOf,
  formatRepository,
  isImageId,
  parseReference,
} from '../../src/core/model/reference.ts';
import type { Engine } from '../../src/ports/engine.ts';
import type { Registry } from '../../src/ports/registry.ts';
import { sha256 } from '../lab/sha256.ts';
import { type App, IDLE } from './apps.ts';
import { tell } from './events.ts';
import { changed, type Machine, refuse, type StoredImage } from './machine.ts';

const MOST_REMEMBERED = 10_000;

/** The parts of an image. */
export interface ImageMade {
  readonly config?: ContainerConfig;
  readonly app?: App;
  readonly architecture?: string;
}

/** Builds an image and gives it a name; resolves with its id. */
export function build(
  machine: Machine,
  reference: string,
  { config = {}, app = IDLE, ...rest }: ImageMade = {},
): string {
  const image: StoredImage = {
    id: digestOf(`image ${++machine.count}`),
    config: { Env: ['PATH=/usr/bin:/bin'], Cmd: ['serve'], ...config },
    os: 'linux',
    architecture: rest.architecture ?? 'amd64',
    createdAt: machine.clock.now(),
    app,
    digests: [],
  };
  machine.images.set(image.id, image);
  nameImage(machine, image.id, reference);
  return image.id;
}

const digestOf = memoized((text) => `sha256:${sha256(text)}`);

/** The image of an id, a digest or a reference. */
export function imageNamed(machine: Machine, reference: string): StoredImage | undefined {
  if (isImageId(reference))
    return machine.images.get(reference.startsWith('sha256:') ? reference : `sha256:${reference}`);
  if (reference === '') return undefined;
  const entry = canonical(reference);
  if (!entry.includes('@')) return machine.images.get(machine.tags.get(entry) ?? '');
  return [...machine.images.values()].find(({ digests }) => digests.some((one) => canonical(one) === entry));
}

/** Points a name at an image, as `docker tag` does. */
export function nameImage(machine: Machine, id: string, reference: string): void {
  machine.tags.set(canonical(reference), id);
  // A list of containers shows the name of the image only as long as the name is on it.
  changed(machine);
  tell(machine, 'image', id, 'tag', reference);
}

/** Removes a name, and with the last one the image. Raises a 409 if a container needs it. */
export function unname(machine: Machine, reference: string): void {
  const key = canonical(reference);
  const id = machine.tags.get(key);
  const image = machine.images.get(id ?? '');
  if (!id || !image) return;
  const used = [...machine.boxes.values()].find((box) => box.image === image);
  const others = tagsOf(machine, id).length > 1;
  if (used && !others)
    refuse(
      409,
      `conflict: unable to remove repository reference "${reference}" (must force) - container ${used.id.slice(0, 12)} is using its referenced image ${id.slice(7, 19)}`,
    );
  machine.tags.delete(key);
  changed(machine);
  if (!others) machine.images.delete(id);
}

function tagsOf(machine: Machine, id: string): string[] {
  const tags: string[] = [];
  for (const [tag, named] of machine.tags) if (named === id) tags.push(shortOf(tag));
  return tags;
}

// In the engine's short form.
const shortOf = memoized((tag) => `${formatRepository(parseReference(tag))}:${parseReference(tag).tag}`);
const canonical = memoized((text) => canonicalOf(parseReference(text)));

// The same few texts are parsed again and again, in every world.
export function memoized(read: (text: string) => string): (text: string) => string {
  const known = new Map<string, string>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const value = read(text);
    if (known.size < MOST_REMEMBERED) known.set(text, value);
    return value;
  };
}

type Calls = 'image' | 'images' | 'imageTags' | 'tag' | 'untag' | 'resolve' | 'pull';

export function imageCalls(machine: Machine, remote: Remote): Pick<Engine, Calls> {
  return {
    image: async (reference) => {
      const found = imageNamed(machine, reference);
      return found && shownImage(machine, found);
    },
    images: async () => [...machine.images.values()].map((image) => summaryOf(machine, image)),
    imageTags: async (repository) =>
      [...machine.tags.keys()].map(shortOf).filter((tag) => tag.startsWith(`${repository}:`)),
    tag: async (reference, name) => {
      const { id } = imageNamed(machine, reference) ?? refuse(404, `No such image: ${reference}`);
      nameImage(machine, id, name);
    },
    untag: async (reference) => unname(machine, reference),
    resolve: async (reference) => digestIn(remote, reference) ?? refuse(404, 'manifest unknown'),
    pull: async (reference, onLayer) => {
      const digest = digestIn(remote, reference) ?? '';
      const made = remote.images.get(digest) ?? refuse(404, `manifest for ${reference} not found: manifest unknown`);
      onLayer({ layer: 'a1', status: 'Pull complete', current: undefined, total: undefined });
      arrive(machine, made, reference, digest);
    },
  };
}

function arrive(machine: Machine, made: StoredImage, reference: string, digest: string): void {
  const image = machine.images.get(made.id) ?? { ...made, digests: [] };
  const entry = entryOf(reference, digest);
  if (!image.digests.includes(entry)) image.digests = [...image.digests, entry];
  machine.images.set(image.id, image);
  if (parseReference(reference).tag !== undefined) nameImage(machine, image.id, reference);
  tell(machine, 'image', reference, 'pull', undefined);
}

function shownImage(machine: Machine, image: StoredImage): Image {
  const { id, digests, config, os, architecture, createdAt } = image;
  return { id, tags: tagsOf(machine, id), digests, manifestDigest: undefined, config, os, architecture, createdAt };
}

function summaryOf(machine: Machine, { id, digests, config, createdAt }: StoredImage): ImageSummary {
  return { id, tags: tagsOf(machine, id), digests, labels: config.Labels ?? {}, createdAt };
}

/** The contents of registries. */
export interface Remote {
  /** Digests by reference, in its canonical form. */
  readonly tags: Map<string, string>;
  readonly images: Map<string, StoredImage>;
  /** The digests of each repository, as `repository@digest`. */
  readonly entries: Set<string>;
}

export function newRemote(): Remote {
  return { tags: new Map(), images: new Map(), entries: new Set() };
}

/** Pushes an image that the engine does not have yet; resolves with its digest. */
export function push(
  machine: Machine,
  remote: Remote,
  reference: string,
  { config = {}, app = IDLE }: ImageMade,
): string {
  const id = digestOf(`image ${++machine.count}`);
  const digest = digestOf(`manifest of ${id}`);
  const createdAt = machine.clock.now();
  const merged = { Env: ['PATH=/usr/bin:/bin'], Cmd: ['serve'], ...config };
  remote.images.set(digest, { id, config: merged, os: 'linux', architecture: 'amd64', createdAt, app, digests: [] });
  remote.tags.set(canonical(reference), digest);
  remote.entries.add(entryOf(reference, digest));
  return digest;
}

function entryOf(reference: string, digest: string): string {
  return `${formatRepository(parseReference(reference))}@${digest}`;
}

// The digest of a reference in its registry.
function digestIn({ tags, entries }: Remote, reference: string): string | undefined {
  const { digest } = parseReference(reference);
  if (digest === undefined) return tags.get(canonical(reference));
  return entries.has(entryOf(reference, digest)) ? digest : undefined;
}

/** The registries, asked directly. */
export function memoryRegistry(remote: Remote): Registry {
  const missing = (reference: string): never => {
    throw new SwapError('no-such-image', `there is no image ${reference}: manifest unknown`);
  };
  const known = (reference: string, signal: AbortSignal): string => {
    signal.throwIfAborted();
    return digestIn(remote, reference) ?? missing(reference);
  };
  return {
    digest: async ({ text }, signal) => known(text, signal),
    image: async ({ text }, _, signal) => {
      const digest = known(text, signal);
      const image = remote.images.get(digest) ?? missing(text);
      return { manifestDigest: digest, configDigest: image.id, created: image.createdAt };
    },
    tags: async (reference, signal) => {
      signal.throwIfAborted();
      const repository = `${formatRepository(reference)}:`;
      const shorts = [...remote.tags.keys()].map(shortOf).filter((tag) => tag.startsWith(repository));
      return shorts.length > 0 ? shorts.map((tag) => tag.slice(repository.length)) : missing(reference.text);
    },
    close: () => {},
  };
}
