import { commitDigest, type GitSource, REVISION, shownGit } from '../../core/build/git.ts';
import { isRejection } from '../../core/health/blame.ts';
import { type FailureRecord, failuresIn } from '../../core/health/failures.ts';
import type { ContainerSummary, ImageSummary } from '../../core/model/container.ts';
import { EngineError } from '../../core/model/engine-error.ts';
import { messageOf, SwapError } from '../../core/model/error.ts';
import { digestsFor } from '../../core/model/image.ts';
import type { OwnLabels } from '../../core/model/own-labels.ts';
import { goArchitecture, type Platform } from '../../core/model/platform.ts';
import {
  atDigest,
  canonical,
  type ImageRef,
  isImageId,
  parseReference,
  readReference,
} from '../../core/model/reference.ts';
import { toReported } from '../../core/report/reported-error.ts';
import { decodeState, type StateLabels } from '../../core/service/labels.ts';
import { type Following, whyNotOne } from '../../core/service/one-service.ts';
import type { Service, Slot } from '../../core/service/service.ts';
import { type Checked, type Identity, judge, judgeHere, type Memory, type Offered } from '../../core/update/newer.ts';
import type { Ports, RemoteImage } from '../../ports/ports.ts';
import { referenceNow } from '../image/track.ts';
import { recordedFailures } from '../recovery/failures.ts';
import { ownedLine, unlessAwaited } from '../select/owned.ts';
import { shownDigest } from '../select/running-digest.ts';
import { settingsOf } from '../select/settings.ts';
import { namesOf, trackedReferenceOf } from '../select/tracked-reference.ts';
import { sharing } from './sharing.ts';

/** Containers and images in the engine's lists: an inspect comes only if it is needed. */
interface Look {
  readonly ports: Ports;
  /** The records of failed images. */
  readonly records: readonly FailureRecord[];
  readonly images: ReadonlyMap<string, ImageSummary>;
  readonly byName: ReadonlyMap<string, ImageSummary>;
  /** True: the engine has containerd's image store, in which an image's id is its digest, and local builds have a digest, too. */
  readonly containerd: boolean;
  /** True: only images on the engine count, and no registry is asked. */
  readonly here: boolean;
  /** Settings of the command line. */
  readonly overrides: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** The options of a check. */
export interface CheckOptions {
  readonly signal: AbortSignal;
  /** True: no registry is asked. */
  readonly here?: boolean | undefined;
  /** Settings of the command line, by label key without the prefix. */
  readonly overrides?: Readonly<Record<string, string>>;
}

/**
 * Asks registries for newer images than the running ones; changes nothing. Services with the same image share the requests: one
 * HEAD for each distinct image, and no more if nothing changed. With `here`, a newer image is the one under the tracked tag on
 * the engine. Errors are in the service's line, and the others go on.
 */
export async function checkServices(
  ports: Ports,
  services: readonly Service[],
  options: CheckOptions,
): Promise<Checked[]> {
  const { signal, here = false, overrides = {} } = options;
  const [images, { imageStore }] = await Promise.all([ports.engine.images(), ports.engine.facts()]);
  const records = await recordedFailures(ports.engine);
  const shared = { ...ports, ...sharing(ports) };
  const look: Look = {
    ports: shared,
    records,
    images: new Map(images.map((image) => [image.id, image])),
    byName: namesOf(images),
    containerd: imageStore === 'containerd',
    here,
    overrides,
    signal,
  };
  return Promise.all(services.map((service) => checkService(look, service)));
}

// Of several replicas, the most important outcome counts for the service.
const TELLING: readonly Checked['outcome'][] = ['available', 'held', 'unknown', 'skipped', 'current'];

async function checkService(look: Look, service: Service): Promise<Checked> {
  try {
    return ownedLine(service) ?? (await checkReplicas(look, service));
  } catch (raised) {
    look.signal.throwIfAborted();
    return { service: service.key, from: NOTHING, ...failed(raised) };
  }
}

async function checkReplicas(look: Look, service: Service): Promise<Checked> {
  const running = service.slots.filter((slot) => slot.members.some((member) => member.status === 'running'));
  const slots = running.length > 0 ? running : service.slots;
  const why = slots.length > 1 ? whyNotOne(await Promise.all(slots.map((slot) => followingOf(look, slot)))) : undefined;
  if (why) return noService(service.key, why);
  const checked = await Promise.all(slots.map((slot) => checkSlot(look, service.key, slot)));
  const told = TELLING.map((outcome) => checked.find((one) => one.outcome === outcome)).find(
    (one) => one !== undefined,
  );
  // An image that failed in one replica is held for all of them.
  const veto = checked.find((one) => one.outcome === 'held' && one.to?.digest === told?.to?.digest);
  return veto ?? told ?? { service: service.key, outcome: 'unknown', from: NOTHING, because: 'it has no container' };
}

const NOTHING = { image: '', digest: '' };

function noService(service: string, { message, hint }: { message: string; hint: string }): Checked {
  const error = { code: 'refused', message, hint } as const;
  return { service, outcome: 'unknown', from: NOTHING, because: message, error };
}

async function followingOf(look: Look, { slotName, members }: Slot): Promise<Following> {
  const member = members.find(({ name }) => name === slotName) ?? members[0];
  return {
    slotName,
    follows: member && (await trackedReferenceOf(look.ports, member, look.images.get(member.imageId))),
  };
}

async function checkSlot(look: Look, service: string, slot: Slot): Promise<Checked> {
  // In the middle of a roll, the container with the slot name serves, or will.
  const member = slot.members.find(({ name }) => name === slot.slotName) ?? slot.members[0];
  if (!member) return { service, outcome: 'unknown', from: NOTHING, because: 'it has no container' };
  const image = look.images.get(member.imageId);
  const subject = { service, slot, member, image, labels: member.labels, state: decodeState(member.labels) };
  let from = { image: member.image, digest: shownDigest(subject, readReference(member.image)) };
  try {
    const follows = await trackedReferenceOf(look.ports, member, image);
    if (follows) from = { image: follows.text, digest: shownDigest(subject, follows) };
    const checked = await checkTracked(look, subject, { service, from }, follows);
    return await unlessAwaited(look.ports, member, checked);
  } catch (raised) {
    look.signal.throwIfAborted();
    return { service, from, ...failed(raised) };
  }
}

/** One container, and its facts from the lists. */
interface Subject {
  readonly service: string;
  readonly slot: Slot;
  readonly member: ContainerSummary;
  readonly image: ImageSummary | undefined;
  readonly labels: OwnLabels;
  readonly state: StateLabels | undefined;
}

type Line = Pick<Checked, 'service' | 'from'>;

async function checkTracked(look: Look, subject: Subject, line: Line, follows: ImageRef | undefined): Promise<Checked> {
  if (follows === undefined) return { ...line, ...withoutReference(subject) };
  if (follows.digest !== undefined) return { ...line, outcome: 'current', because: 'it is pinned to a digest' };
  const { ports, overrides, signal } = look;
  const { git, track } = settingsOf(ports, subject.service, subject.labels, overrides);
  if (git) return { ...line, ...(await checkCommit(look, subject, git, follows)) };
  const built = await (look.here ? standingHere(look, subject, follows) : localBuild(look, subject, follows));
  if (built) return { ...line, ...built };
  const { reference, note } = await referenceNow(ports, track, follows, signal);
  try {
    const result = await compare(look, subject, reference);
    return { ...line, ...result, because: [result.because, note].filter((text) => text !== undefined).join('; ') };
  } catch (raised) {
    const local = reference === follows ? await perhapsBuilt(look, subject, follows, raised) : undefined;
    if (local) return { ...line, ...local };
    throw raised;
  }
}

// Raises `usage` for a name that no registry could have.
function withoutReference({ member, state }: Subject): Result {
  const name = state?.follows || member.image;
  if (!isImageId(name)) parseReference(name);
  return { outcome: 'unknown', because: 'it was created from a bare image id, so it follows no reference' };
}

// A user moves a branch on purpose, also back: only a failed commit is held.
async function checkCommit(look: Look, subject: Subject, source: GitSource, follows: ImageRef): Promise<Result> {
  const commit = await look.ports.git.head(source, look.signal);
  const shown = `${commit.slice(0, 12)} of ${shownGit(source)}`;
  const { digests } = identityOf(subject, follows);
  const digest = commitDigest(commit);
  if (digests.includes(digest) || subject.image?.labels[REVISION] === commit)
    return { outcome: 'current', because: `it was built from ${shown}` };
  const because = `commit ${shown} is newer`;
  const to = { reference: follows.text, digest };
  return { ...judgeHere(to, memoryOf(look, subject), because), to };
}

type Result = Omit<Checked, 'service' | 'from'>;

async function compare(look: Look, subject: Subject, follows: ImageRef): Promise<Result> {
  const { ports, signal } = look;
  const digest = await ports.registry.digest(follows, signal);
  const memory = memoryOf(look, subject);
  const running = identityOf(subject, follows);
  const to = { reference: follows.text, digest };
  const quick = judge(running, to, memory);
  // On the same tag no note is needed; on another tag the same image has at least another name.
  if (quick) return { ...quick, ...(quick.outcome === 'current' ? {} : { to }) };
  const { platform, manifestDigest } = await inspected(look, subject);
  const remote = await ports.registry.image(atDigest(follows, digest), platform, signal);
  const offered: Offered = { ...to, manifestDigest: remote.manifestDigest, configDigest: remote.configDigest };
  const judgement = judge({ ...running, manifestDigest }, offered, memory);
  if (!judgement) return { outcome: 'unknown', because: 'the registry did not say enough' };
  return { ...judgement, ...(judgement.outcome === 'current' ? {} : { to: { ...to, ...createdOf(remote) } }) };
}

function createdOf({ created }: Pick<RemoteImage, 'created'>): { created?: string } {
  return created === undefined ? {} : { created: new Date(created).toISOString() };
}

// As in a roll: an image without a digest of its repository was built here, and no registry is asked for it. In containerd's
// store every image has a digest (and the list shows only one of several), so there the registry is asked.
async function localBuild(look: Look, subject: Subject, follows: ImageRef): Promise<Result | undefined> {
  const here = look.byName.get(canonical(follows));
  if (!here || look.containerd || digestsFor(here, follows).length > 0) return undefined;
  return (
    (await newerHere(look, subject, follows)) ?? {
      outcome: 'current',
      because: 'it was built on this machine, so no registry is asked; it runs the newest build',
    }
  );
}

async function standingHere(look: Look, subject: Subject, follows: ImageRef): Promise<Result> {
  const because = `it runs what ${follows.text} is on this machine`;
  return (await newerHere(look, subject, follows)) ?? { outcome: 'current', because };
}

// If the registry does not know the image: a newer image under the name must be a local build; and Docker's own images (names
// without a slash) never need a login, so an unknown one is a local build, too.
async function perhapsBuilt(
  look: Look,
  subject: Subject,
  follows: ImageRef,
  raised: unknown,
): Promise<Result | undefined> {
  if (!look.containerd || !(raised instanceof SwapError)) return undefined;
  const newer = await newerHere(look, subject, follows);
  if (newer) return newer;
  const { registry, repository, text } = follows;
  const official = registry === 'docker.io' && repository.startsWith('library/');
  if (!official || (raised.code !== 'login' && raised.code !== 'no-such-image')) return undefined;
  return { outcome: 'unknown', because: `there is no ${text} in Docker Hub; it seems to be built on this machine` };
}

async function newerHere(look: Look, subject: Subject, follows: ImageRef): Promise<Result | undefined> {
  const here = look.byName.get(canonical(follows));
  if (!here || here.id === subject.member.imageId || (await isSameBuild(look, subject, here))) return undefined;
  const digest = (look.containerd ? undefined : digestsFor(here, follows)[0]) ?? here.id;
  const reference = follows.text;
  const judgement = judgeHere({ reference, digest, configDigest: here.id }, memoryOf(look, subject));
  return { ...judgement, to: { reference, digest, ...createdOf({ created: here.createdAt }) } };
}

// In containerd's store each build has another id, if only for its provenance.
async function isSameBuild(look: Look, subject: Subject, here: ImageSummary): Promise<boolean> {
  if (!look.containerd) return false;
  const [{ manifestDigest }, image] = await Promise.all([inspected(look, subject), look.ports.engine.image(here.id)]);
  return manifestDigest !== undefined && manifestDigest === image?.manifestDigest;
}

function identityOf({ member, image, state }: Subject, follows: ImageRef): Identity {
  const known = image ? digestsFor(image, follows) : [];
  const noted = state?.digest && state.image === member.imageId ? [state.digest] : [];
  return { digests: [...known, ...noted], manifestDigest: undefined, imageId: member.imageId };
}

function memoryOf({ records }: Look, { slot, member, state }: Subject): Memory {
  const left = (state?.history ?? []).filter((entry) => entry.id !== member.imageId);
  return {
    failures: failuresIn(records, slot.slotName).filter(isRejection),
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
  // It may run another platform's image in an emulator.
  const platform = image?.architecture
    ? { os: image.os, architecture: image.architecture, variant: image.variant }
    : own;
  return { platform, manifestDigest: container?.manifestDigest ?? image?.manifestDigest };
}

function failed(raised: unknown): Result {
  if (raised instanceof SwapError) return unknown(raised);
  if (raised instanceof EngineError)
    return unknown(new SwapError('engine-unreachable', raised.message, { cause: raised }));
  // An unexpected error in one service must not keep the others from being checked.
  const message = `unexpected: ${messageOf(raised)}`;
  return unknown(new SwapError('bad-answer', message, { hint: 'please report this error', cause: raised }));
}

function unknown(error: SwapError): Result {
  return { outcome: 'unknown', because: error.message, error: toReported(error) };
}
