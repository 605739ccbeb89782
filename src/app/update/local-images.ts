import type { ContainerSummary, ImageSummary } from '../../core/model/container.ts';
import { canonical, type ImageRef, readReference } from '../../core/model/reference.ts';
import { decodeState } from '../../core/service/labels.ts';
import { groupServices, type Service } from '../../core/service/service.ts';
import type { LocalImageEvent } from '../../core/update/local-image-event.ts';
import type { Ports } from '../../ports/ports.ts';
import { lockHeld } from '../lock/lock.ts';
import { listed } from '../select/own.ts';
import { namesOf, trackedReferenceOf } from '../select/tracked-reference.ts';
import { dockerLook, dockerTarget } from '../target/docker.ts';
import { optedIn, type Wanted } from './opted-in.ts';

/** The services that local image events affect. */
export interface Concerned {
  /** Services that are opted in, track such a name, and run another image; by key. */
  readonly services: ReadonlySet<string>;
  /** Events to check again later, since another process is rolling a service that tracks the same name. */
  readonly later: readonly LocalImageEvent[];
}

/** Local image events, and the services that they may affect. */
export interface LocalImagesWanted extends Wanted {
  readonly localImages: readonly LocalImageEvent[];
  /** Earlier events, in milliseconds of this process's clock, do not count: the engine reports them once more. */
  readonly since: number;
}

/**
 * Finds the services that track the names of local image events. Ignores names that swapctl itself moved, in a roll of this
 * process or of another. Asks only the engine. Raises EngineError, and the errors of `optedIn`.
 */
export async function concernedBy(ports: Ports, wanted: LocalImagesWanted): Promise<Concerned> {
  const { images: listImages, facts } = ports.engine;
  const [all, images, { clockOffsetMs }] = await Promise.all([listed(ports.engine), listImages(), facts()]);
  const look: Look = { ports, all, images: new Map(images.map((image) => [image.id, image])), names: namesOf(images) };
  const localImages = wanted.localImages.filter(({ at }) => at >= wanted.since + clockOffsetMs - CLOCKS_MS);
  const named = localImages.map((localImage) => ({ localImage, names: namesIn(localImage, look) }));
  const followers = await followersOf(look, new Set(named.flatMap(({ names }) => names)));
  const rolling = await rollingNames(ports, followers);
  const [later, settled] = split(named, ({ names }) => names.some((name) => rolling.has(name)));
  const news = new Set(
    settled.flatMap(({ localImage, names }) => names.filter((name) => !isOwn(look, name, localImage.at))),
  );
  const behind = followers.filter(({ name, running }) => news.has(name) && running !== look.names.get(name)?.id);
  const open = behind.length > 0 ? await optedIn(ports, dockerTarget(ports), dockerLook(ports, all), wanted) : [];
  // A service that is built from a repository has no other source.
  const meant = new Set(open.flatMap((one) => (one.line || one.policy.git ? [] : [one.service.key])));
  return {
    services: new Set(behind.flatMap(({ service }) => (meant.has(service.key) ? [service.key] : []))),
    later: later.map(({ localImage }) => localImage),
  };
}

// The maximum difference between two readings of the engine's clock: its own, and ours with its known offset.
const CLOCKS_MS = 2000;

interface Look {
  readonly ports: Ports;
  readonly all: readonly ContainerSummary[];
  readonly images: ReadonlyMap<string, ImageSummary>;
  readonly names: ReadonlyMap<string, ImageSummary>;
}

/** A container that tracks one of the names. */
interface Follower {
  readonly service: Service;
  readonly name: string;
  /** Id of its present image. */
  readonly running: string;
}

function namesIn({ reference, image }: LocalImageEvent, { images }: Look): string[] {
  const given = reference === undefined ? (images.get(image)?.tags ?? []) : [reference];
  return given.flatMap((name) => canonicalOf(readReference(name)) ?? []);
}

async function followersOf(look: Look, names: ReadonlySet<string>): Promise<Follower[]> {
  if (names.size === 0) return [];
  const found = groupServices(look.all).flatMap((service) =>
    service.slots.flatMap(({ slotName, members }) => {
      const member = members.find(({ name }) => name === slotName) ?? members[0];
      return member ? [followerOf(look, service, member)] : [];
    }),
  );
  return (await Promise.all(found)).flatMap((one) => (one && names.has(one.name) ? [one] : []));
}

async function followerOf(look: Look, service: Service, member: ContainerSummary): Promise<Follower | undefined> {
  const image = look.images.get(member.imageId);
  const follows = await trackedReferenceOf(look.ports, member, image);
  const name = canonicalOf(follows);
  return name === undefined ? undefined : { service, name, running: member.imageId };
}

// A roll moves the tag before it creates the container that shows this; until the roll is over, the cause of the event is
// unknown.
async function rollingNames(ports: Ports, followers: readonly Follower[]): Promise<Set<string>> {
  const held = await Promise.all(followers.map(({ service }) => lockHeld(ports, service.key)));
  return new Set(followers.flatMap(({ name }, at) => (held[at] ? [name] : [])));
}

// A roll creates a container right after it moved the tag, and its labels record that.
function isOwn({ all, names }: Look, name: string, at: number): boolean {
  const image = names.get(name)?.id;
  return all.some(({ labels }) => {
    const state = decodeState(labels);
    if (state?.role !== 'replica' || state.image !== image) return false;
    return canonicalOf(readReference(state.follows)) === name && Date.parse(state.at) >= at - CLOCKS_MS;
  });
}

function canonicalOf(ref: ImageRef | undefined): string | undefined {
  return ref && canonical(ref);
}

function split<T>(all: readonly T[], isFirst: (one: T) => boolean): [T[], T[]] {
  return [all.filter(isFirst), all.filter((one) => !isFirst(one))];
}
