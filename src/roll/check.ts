import { settingsFor } from '../core/config.ts';
import { type ContainerSummary, type ImageSummary, notInherited } from '../core/container.ts';
import { EngineError } from '../core/engine-error.ts';
import { SwapError } from '../core/error.ts';
import { digestsFor } from '../core/image.ts';
import { decodeState, type StateLabels } from '../core/labels.ts';
import { type Checked, type Identity, judge, type Memory, type Offered } from '../core/newer.ts';
import { goArchitecture, type Platform } from '../core/platform.ts';
import { readPolicy } from '../core/policy.ts';
import { isImageId, parseReference } from '../core/reference.ts';
import { helperRole, type Service, type Slot } from '../core/service.ts';
import type { Track } from '../core/track.ts';
import type { Ports, RemoteImage } from '../ports.ts';
import { failuresIn } from './observe.ts';
import { referenceNow } from './track.ts';

/** Containers and images of the engine, as the lists tell them: nothing is inspected unless there is need. */
interface Look {
  readonly ports: Ports;
  /** The containers that remember failures: few, where there may be many in all. */
  readonly failed: readonly ContainerSummary[];
  readonly images: ReadonlyMap<string, ImageSummary>;
  readonly byName: ReadonlyMap<string, ImageSummary>;
  /** Whether the engine has containerd's image store: there an image's id is its digest, and what was built here has one, too. */
  readonly containerd: boolean;
  readonly signal: AbortSignal;
}

/**
 * Asks registries what is newer than what services run; nothing is changed. Services that follow the same image share the
 * questions: one HEAD for each distinct image, and no more where nothing changed. What goes wrong is in the service's
 * line, and the others go on.
 */
export async function checkServices(
  ports: Ports,
  services: readonly Service[],
  all: readonly ContainerSummary[],
  signal: AbortSignal,
): Promise<Checked[]> {
  const [images, { imageStore }] = await Promise.all([ports.engine.images(), ports.engine.facts()]);
  const shared = { ...ports, registry: sharing(ports) };
  const look: Look = {
    ports: shared,
    failed: all.filter((container) => helperRole(container) === 'failed'),
    images: new Map(images.map((image) => [image.id, image])),
    byName: new Map(images.flatMap((image) => image.tags.flatMap((tag) => named(tag, image)))),
    containerd: imageStore === 'containerd',
    signal,
  };
  return Promise.all(services.map((service) => checkService(look, service)));
}

/** The same questions with the same answers, asked once. */
function sharing({ registry }: Ports): Ports['registry'] {
  const known = new Map<string, Promise<unknown>>();
  const once = <T>(key: string, ask: () => Promise<T>): Promise<T> => {
    const asked = (known.get(key) as Promise<T> | undefined) ?? ask();
    known.set(key, asked);
    return asked;
  };
  return {
    ...registry,
    digest: (reference, signal) => once(`digest ${normal(reference)}`, () => registry.digest(reference, signal)),
    image: (reference, platform, signal) =>
      once(`image ${reference} ${JSON.stringify(platform)}`, () => registry.image(reference, platform, signal)),
    tags: (reference, signal) => once(`tags ${repositoryOf(reference)}`, () => registry.tags(reference, signal)),
  };
}

// Of several replicas the one that has most to tell speaks for the service.
const TELLING: readonly Checked['outcome'][] = ['available', 'held', 'unknown', 'current'];

async function checkService(look: Look, service: Service): Promise<Checked> {
  const running = service.slots.filter((slot) => slot.members.some((member) => member.status === 'running'));
  const slots = running.length > 0 ? running : service.slots;
  const checked = await Promise.all(slots.map((slot) => checkSlot(look, service.key, slot)));
  const told = TELLING.map((outcome) => checked.find((one) => one.outcome === outcome)).find(
    (one) => one !== undefined,
  );
  // What failed in one replica is for none of them.
  const veto = checked.find((one) => one.outcome === 'held' && one.to?.digest === told?.to?.digest);
  return veto ?? told ?? { service: service.key, outcome: 'unknown', from: NOTHING, because: 'it has no container' };
}

const NOTHING = { image: '', digest: '' };

async function checkSlot(look: Look, service: string, slot: Slot): Promise<Checked> {
  // In the middle of a roll the one under the real name serves, or will.
  const member = slot.members.find(({ name }) => name === slot.home) ?? slot.members[0];
  if (!member) return { service, outcome: 'unknown', from: NOTHING, because: 'it has no container' };
  const image = look.images.get(member.imageId);
  const labels = notInherited(member.labels, image?.labels ?? {});
  const subject: Subject = { service, slot, member, image, labels, state: decodeState(labels) };
  const from = { image: member.image, digest: subject.state?.digest ?? member.imageId };
  try {
    const follows = await followed(look, subject);
    return await checkFollowed(look, subject, { service, from: { ...from, image: follows ?? from.image } }, follows);
  } catch (raised) {
    look.signal.throwIfAborted();
    return { service, from, ...failed(raised) };
  }
}

/** One container, and what is known of it without asking anybody. */
interface Subject {
  readonly service: string;
  readonly slot: Slot;
  readonly member: ContainerSummary;
  readonly image: ImageSummary | undefined;
  /** Its own, not its image's. */
  readonly labels: Readonly<Record<string, string>>;
  readonly state: StateLabels | undefined;
}

type Line = Pick<Checked, 'service' | 'from'>;

async function checkFollowed(look: Look, subject: Subject, line: Line, follows: string | undefined): Promise<Checked> {
  if (follows === undefined)
    return { ...line, outcome: 'unknown', because: 'it was created from a bare image id, so it follows no reference' };
  if (parseReference(follows).digest !== undefined)
    return { ...line, outcome: 'current', because: 'it is pinned to a digest' };
  const built = localBuild(look, subject, follows);
  if (built) return { ...line, ...built };
  const { ports, signal } = look;
  const reference = await referenceNow(ports, trackOf(look, subject), follows, signal);
  try {
    return { ...line, ...(await compare(look, subject, reference)) };
  } catch (raised) {
    const local = reference === follows ? perhapsBuilt(look, subject, follows, raised) : undefined;
    if (local) return { ...line, ...local };
    throw raised;
  }
}

function trackOf({ ports }: Look, { labels, service }: Subject): Track {
  return readPolicy(labels, {}, settingsFor(ports.config(), service)).track;
}

type Result = Omit<Checked, 'service' | 'from'>;

async function compare(look: Look, subject: Subject, reference: string): Promise<Result> {
  const { ports, signal } = look;
  const digest = await ports.registry.digest(reference, signal);
  const memory = memoryOf(look, subject);
  const running = identityOf(subject, reference);
  const quick = judge(running, { reference, digest }, memory);
  const to = { reference, digest };
  // On the same tag nothing is worth a word; on another one the same image is at least another name.
  if (quick) return { ...quick, ...(quick.outcome === 'current' ? {} : { to }) };
  const { platform, manifestDigest } = await inspected(look, subject);
  const remote = await ports.registry.image(`${repositoryOf(reference)}@${digest}`, platform, signal);
  const offered: Offered = { ...to, manifestDigest: remote.manifestDigest, configDigest: remote.configDigest };
  const judgement = judge({ ...running, manifestDigest }, offered, memory);
  if (!judgement) return { outcome: 'unknown', because: 'the registry did not say enough' };
  return { ...judgement, ...(judgement.outcome === 'current' ? {} : { to: { ...to, ...createdOf(remote) } }) };
}

function createdOf({ created }: Pick<RemoteImage, 'created'>): { created?: string } {
  return created === undefined ? {} : { created: new Date(created).toISOString() };
}

/** The reference that a container follows; undefined where it is a bare id, and no single tag tells more. */
async function followed({ ports }: Look, { member, image, state }: Subject): Promise<string | undefined> {
  if (state?.follows && !isImageId(state.follows)) return state.follows;
  if (!isImageId(member.image)) return member.image;
  // The list shows the id instead, once the tag is on another image.
  const written = (await ports.engine.container(member.id))?.config.Image;
  if (written && !isImageId(written)) return written;
  return image?.tags.length === 1 ? image.tags[0] : undefined;
}

// As a roll has it: what has no digest of its repository was built here, and no registry is asked for it. With containerd's
// store nothing has none (and the list shows but one of several), so there the registry is asked.
function localBuild(look: Look, subject: Subject, follows: string): Result | undefined {
  const here = look.byName.get(normal(follows));
  if (!here || look.containerd || digestsFor(here, follows).length > 0) return undefined;
  return (
    newerHere(look, subject, follows) ?? {
      outcome: 'current',
      because: 'it was built on this machine, so no registry is asked; it runs the newest build',
    }
  );
}

// Once the registry knows nothing of it: a newer image under the name must have been built here; and among Docker's own
// images (names without a slash) there are none that need a login, so what is not there was built here, too.
function perhapsBuilt(look: Look, subject: Subject, follows: string, raised: unknown): Result | undefined {
  if (!look.containerd || !(raised instanceof SwapError)) return undefined;
  const newer = newerHere(look, subject, follows);
  if (newer) return newer;
  const { registry, repository } = parseReference(follows);
  const official = registry === 'docker.io' && repository.startsWith('library/');
  if (!official || (raised.code !== 'login' && raised.code !== 'no-such-image')) return undefined;
  return { outcome: 'unknown', because: `there is no ${follows} in Docker Hub; it seems to be built on this machine` };
}

function newerHere(look: Look, { member }: Subject, follows: string): Result | undefined {
  const here = look.byName.get(normal(follows));
  if (!here || here.id === member.imageId) return undefined;
  const to = { reference: follows, digest: here.id, ...createdOf({ created: here.createdAt }) };
  return { outcome: 'available', to, because: `another image that was built on this machine is ${follows} now` };
}

function identityOf({ member, image, state }: Subject, reference: string): Identity {
  const known = image ? digestsFor(image, reference) : [];
  const noted = state?.digest && state.image === member.imageId ? [state.digest] : [];
  return { digests: [...known, ...noted], manifestDigest: undefined, imageId: member.imageId };
}

function memoryOf({ failed }: Look, { slot, member, state }: Subject): Memory {
  const left = (state?.history ?? []).filter((entry) => entry.id !== member.imageId);
  return {
    failures: failuresIn(failed, slot.home),
    retired: left.map(({ id, digest, at }) => ({ image: id, digest, at })),
  };
}

async function inspected(
  { ports }: Look,
  { member }: Subject,
): Promise<{ platform: Platform; manifestDigest: string | undefined }> {
  const [container, image, facts] = await Promise.all([
    ports.engine.container(member.id),
    ports.engine.image(member.imageId),
    ports.engine.facts(),
  ]);
  const own = { os: facts.os, architecture: goArchitecture(facts.architecture) };
  // It may run another platform's image, emulated.
  const platform = image?.architecture
    ? { os: image.os, architecture: image.architecture, variant: image.variant }
    : own;
  return { platform, manifestDigest: container?.manifestDigest ?? image?.manifestDigest };
}

function failed(raised: unknown): Result {
  if (raised instanceof SwapError) {
    const { code, message, hint } = raised;
    return { outcome: 'unknown', because: message, error: { code, message, ...(hint ? { hint } : {}) } };
  }
  if (!(raised instanceof EngineError)) throw raised;
  const { message } = raised;
  return { outcome: 'unknown', because: message, error: { code: 'engine-unreachable', message } };
}

// A name that is no reference is nothing that a container could follow.
function named(tag: string, image: ImageSummary): [string, ImageSummary][] {
  try {
    return [[normal(tag), image]];
  } catch {
    return [];
  }
}

/** A reference in one spelling, so that the same image is asked for once. */
function normal(reference: string): string {
  const { registry, repository, tag, digest } = parseReference(reference);
  return `${registry}/${repository}${tag ? `:${tag}` : ''}${digest ? `@${digest}` : ''}`;
}

function repositoryOf(reference: string): string {
  const { registry, repository } = parseReference(reference);
  return `${registry}/${repository}`;
}
