import type { Container, ContainerConfig, Image } from '../../../core/model/container.ts';
import { isConflict } from '../../../core/model/engine-error.ts';
import { fail } from '../../../core/model/error.ts';
import { digestsFor } from '../../../core/model/image.ts';
import { COMPOSE_IMAGE } from '../../../core/model/label-keys.ts';
import { isImageId, parseReference } from '../../../core/model/reference.ts';
import { follow, referencesOf, type Successors } from '../../../core/model/references.ts';
import type { Strategy } from '../../../core/model/strategy.ts';
import { composeImageLabel } from '../../../core/recreate/compose.ts';
import { mountTargets } from '../../../core/recreate/mounts.ts';
import {
  helperRequest,
  rehearsalRequest,
  replicaRequest,
  type Successor,
  standInRequest,
} from '../../../core/recreate/request.ts';
import { predecessorsOf, successorsOf } from '../../../core/recreate/successors.ts';
import { guessUserSet, isUserSet, subtractImage, type UserSet } from '../../../core/recreate/user-set.ts';
import type { HistoryEntry, StateLabels } from '../../../core/service/labels.ts';
import { restoredRoll } from '../../../core/service/slot.ts';
import { movedHash } from '../../compose/moved-hash.ts';
import { imageOf, listed, stateOf } from '../../select/own.ts';
import type { SlotRun } from '../slot-run.ts';

const HISTORY_LENGTH = 10;

type Maker = Pick<SlotRun, 'ports' | 'images' | 'memory' | 'successors' | 'names' | 'service' | 'now'> & {
  readonly desired: Pick<SlotRun['desired'], 'image' | 'roll'>;
};

/** Creates the container that is to take the place of `incumbent`, and makes sure that it got the pinned image. */
export async function createCandidate(
  run: SlotRun,
  incumbent: Container,
  step: { name: string; strategy: Strategy },
  tagBefore: string | undefined,
): Promise<void> {
  const state = await candidateState(run, incumbent, step.strategy, tagBefore);
  const to = await successor(run, incumbent, step.name, run.desired.image, state);
  const alias = step.strategy === 'start-first' ? run.names.slotName : undefined;
  const id = await create(run, replicaRequest(incumbent, { ...to, alias }));
  run.memory.candidates.add(id);
  const created = await run.ports.engine.container(id);
  if (!created || created.imageId === run.desired.image.id) return;
  await run.ports.engine.remove(id, { discard: true });
  fail('image-moved', `${run.desired.image.follows} was pointed at another image while ${step.name} was created`, {
    hint: 'another process pulled or built the image at the same time; run the roll again',
  });
}

/** Creates the rehearsal; by image id, since the reference has not moved yet. */
export async function createRehearsal(run: SlotRun, incumbent: Container, name: string): Promise<void> {
  const { id } = run.desired.image;
  const to = await successor(run, incumbent, name, { follows: id, id }, helperState(run, 'rehearsal'));
  await create(run, rehearsalRequest(incumbent, to));
}

/** Creates the stand-in; by image id, like a rehearsal. */
export async function createStandIn(run: SlotRun, incumbent: Container, name: string): Promise<void> {
  const to = await successor(
    run,
    incumbent,
    name,
    { follows: run.desired.image.id, id: run.desired.image.id },
    helperState(run, 'stand-in'),
  );
  await create(run, standInRequest(incumbent, { ...to, alias: run.names.slotName }));
}

/** Creates the helper that rolls the slot in which swapctl itself runs; resolves with its id. */
export async function createHelper(
  run: SlotRun,
  incumbent: Container,
  step: { name: string; command: Pick<ContainerConfig, 'Entrypoint' | 'Cmd'> },
): Promise<string> {
  const { id } = run.desired.image;
  const to = await successor(run, incumbent, step.name, { follows: id, id }, helperState(run, 'helper'));
  return create(run, helperRequest(incumbent, to, step.command));
}

/** Creates a container like that of a one-shot, of the new image; the reference has to mean that image. Resolves with its id. */
export async function createOneShot(run: Maker, container: Container, name: string): Promise<string> {
  const { image, roll } = run.desired;
  const state = {
    role: 'one-shot',
    service: run.service,
    slot: run.names.slotName,
    roll,
    at: isoNow(run),
    follows: image.follows,
    image: image.id,
    base: image.id,
    digest: image.digest,
    userSet: await userSetOf(run, container, await imageOf(run, image.id)),
  } as const;
  return create(run, replicaRequest(container, await successor(run, container, name, image, state)));
}

/** Creates the old container again, from what its candidate was derived from it, with the image it ran. */
export async function recreateOld(
  run: SlotRun,
  candidate: Container,
  step: { name: string; image: string },
): Promise<void> {
  const before = await stateOf(run, candidate);
  const state = {
    role: 'replica',
    service: run.service,
    slot: run.names.slotName,
    roll: restoredRoll(run.desired.roll),
    at: isoNow(run),
    image: step.image,
    base: step.image,
    follows: before?.follows,
    generation: Math.max(0, (before?.generation ?? 1) - 1),
    history: before?.history.slice(1) ?? [],
    predecessors: predecessorsOf(before),
    userSet: before?.userSet,
  } as const;
  const to = await successor(run, candidate, step.name, { follows: step.image, id: step.image }, state);
  await create(run, replicaRequest(candidate, to));
}

/**
 * The user-set parts of a container: from its own label, else by subtracting its image (T2), else, if that image is gone, by the
 * next image.
 */
async function userSetOf(run: Maker, container: Container, next: Image | undefined): Promise<UserSet> {
  const known = await knownUserSet(run, container);
  if (known) return known;
  const guess = next ? guessUserSet(container.config, next.config) : { unclear: ['anything'] };
  if ('set' in guess) return guess.set;
  return fail(
    'refused',
    `the image that ${container.name} was created from is gone, so swapctl can't know if you or the image set ${guess.unclear.join(', ')}`,
    { hint: 're-create the container once as you did at first (docker compose up -d); from then on swapctl knows' },
  );
}

/** The certain part of the same; undefined if the container's image is gone. */
export async function knownUserSet(
  run: Pick<SlotRun, 'ports' | 'images'>,
  container: Container,
): Promise<UserSet | undefined> {
  const image = await imageOf(run, container.imageId);
  const stored = (await stateOf(run, container))?.userSet;
  if (isUserSet(stored)) return stored;
  return image && subtractImage(container.config, image.config);
}

async function create(run: Maker, request: Parameters<typeof run.ports.engine.create>[0]): Promise<string> {
  try {
    const id = await run.ports.engine.create(request);
    run.memory.created.add(id);
    return id;
  } catch (error) {
    if (!isConflict(error)) throw error;
    return fail(
      'busy',
      `another roll of ${run.names.slotName} is under way: there is already a container ${request.name}`,
      {
        hint: 'wait until it is done; if none runs, swapctl recover finishes what was left',
        cause: error,
      },
    );
  }
}

async function successor(
  run: Maker,
  from: Container,
  name: string,
  image: { follows: string; id: string },
  state: Successor['state'],
): Promise<Successor> {
  const after = await imageOf(run, image.id);
  const label = from.config.Labels?.[COMPOSE_IMAGE];
  const successors = await successorsNow(run, from);
  return {
    name,
    follows: image.follows,
    userSet: await userSetOf(run, from, after),
    state,
    composeImage: after && composeImageLabel(label, (await imageOf(run, from.imageId)) ?? stored(from), after),
    composeHash: await movedHash(run, from, successors),
    alias: undefined,
    successors,
    inheritedTargets: await inheritedTargets(run, from, successors),
  };
}

// The container still has the two ids of an image that is gone.
function stored({ imageId: id, manifestDigest }: Container): Pick<Image, 'id' | 'manifestDigest'> {
  return { id, manifestDigest };
}

function helperState(run: SlotRun, role: 'rehearsal' | 'stand-in' | 'helper'): Successor['state'] {
  const { id, digest } = run.desired.image;
  return {
    role,
    service: run.service,
    slot: run.names.slotName,
    roll: run.desired.roll,
    at: isoNow(run),
    image: id,
    base: id,
    digest,
  };
}

async function candidateState(
  run: SlotRun,
  incumbent: Container,
  strategy: Strategy,
  tagBefore: string | undefined,
): Promise<Successor['state']> {
  const { image, roll } = run.desired;
  const before = await stateOf(run, incumbent);
  return {
    role: 'replica',
    service: run.service,
    slot: run.names.slotName,
    roll,
    at: isoNow(run),
    generation: (before?.generation ?? 0) + 1,
    // A bare id can't be tracked: the next roll continues with the earlier reference.
    follows: isImageId(image.follows) ? before?.follows || incumbent.config.Image : image.follows,
    image: image.id,
    base: image.id,
    digest: image.digest,
    strategy,
    replaces: incumbent.id,
    predecessors: run.predecessors,
    tagBefore,
    imageBefore: incumbent.imageId,
    saves: run.desired.backup.volumes.length > 0 ? run.desired.backup.volumes : undefined,
    fillFrom: run.desired.backup.fillFrom,
    userSet: await userSetOf(run, incumbent, await imageOf(run, image.id)),
    history: await history(run, incumbent, before),
  };
}

async function history(run: SlotRun, incumbent: Container, before: StateLabels | undefined): Promise<HistoryEntry[]> {
  const { follows, id, digest } = run.desired.image;
  const earlier = before && before.history.length > 0 ? before.history : [await firstEntry(run, incumbent)];
  return [{ at: isoNow(run), follows, id, digest, event: run.event, roll: run.desired.roll }, ...earlier].slice(
    0,
    HISTORY_LENGTH,
  );
}

// With its digest, so that it can be pulled again after a prune.
async function firstEntry(run: SlotRun, { createdAt, config, imageId }: Container): Promise<HistoryEntry> {
  const follows = config.Image ?? '';
  const image = isImageId(follows) ? undefined : await imageOf(run, imageId);
  const digest = image && digestsFor(image, parseReference(follows))[0];
  return { at: new Date(createdAt).toISOString(), follows, id: imageId, digest, event: 'started' };
}

// The containers with which it shares namespaces or volumes may have been replaced since the last look, or long ago.
async function successorsNow(run: Maker, container: Container): Promise<Successors> {
  if (referencesOf(container).length === 0) return run.successors;
  return new Map([...successorsOf(container, await listed(run.ports.engine)), ...run.successors]);
}

async function inheritedTargets(run: Maker, container: Container, successors: Successors): Promise<Set<string>> {
  const from = referencesOf(container).filter(({ kind }) => kind === 'volumes');
  const owners = await Promise.all(from.map(({ to }) => run.ports.engine.container(follow(to, successors))));
  const own = mountTargets(container.host);
  const targets = owners.flatMap((owner) => owner?.mounts.map((mount) => mount.target) ?? []);
  return new Set(targets.filter((target) => !own.has(target)));
}

function isoNow(run: Maker): string {
  return new Date(run.now()).toISOString();
}
