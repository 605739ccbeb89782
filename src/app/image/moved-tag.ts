import type { ContainerSummary } from '../../core/model/container.ts';
import { digestsFor } from '../../core/model/image.ts';
import { type ImageRef, parseReference, sameRepository } from '../../core/model/reference.ts';
import type { StateLabels, StateNote } from '../../core/service/labels.ts';
import { helperRole } from '../../core/service/ownership.ts';
import { groupServices } from '../../core/service/service.ts';
import type { Ports } from '../../ports/ports.ts';
import { listed } from '../select/own.ts';
import { trackedReferenceOf } from '../select/tracked-reference.ts';
import type { Resolved } from './resolved.ts';

/** The target of a local tag before and after a roll moves it; this note on a lock outlives the lock's holder. */
export type TagNote = Pick<StateNote, 'follows' | 'image' | 'digest' | 'tagBefore'>;

/** The note for the lock of a roll; empty if the tag does not move. */
export async function noteTag({ engine }: Ports, resolved: Resolved): Promise<TagNote> {
  const follows = resolved.follows.text;
  const before = (await engine.image(follows))?.id;
  const wanted = resolved.kind === 'local' ? { image: resolved.image.id } : { digest: resolved.digest };
  if (before === undefined || before === wanted.image) return {};
  return { follows, tagBefore: before, ...wanted };
}

/**
 * Moves the tag back that a dead roll has moved before it made a container: until there is a container to record the earlier
 * target, only the lock does. A tag that another process has moved since, or whose image a container of the service runs by now,
 * stays.
 */
export async function putTagBack(ports: Ports, state: StateLabels): Promise<void> {
  if (!state.tagBefore) return;
  const { engine, report } = ports;
  const { follows, tagBefore, service } = state;
  const now = await engine.image(follows);
  if (!now || now.id === tagBefore) return;
  const wanted = parseReference(follows);
  const isRolls =
    now.id === state.image || (state.digest !== undefined && digestsFor(now, wanted).includes(state.digest));
  const all = await listed(engine);
  const replicas = all.filter((container) => helperRole(container) === undefined);
  const isRun = replicas.some((container) => container.imageId === now.id);
  if (!isRolls || isRun || (await engine.image(tagBefore)) === undefined) return;
  if (!(await isTracked(ports, all, service, wanted))) return;
  await engine.tag(tagBefore, follows);
  report({ kind: 'note', text: `${service}: the local tag ${follows} is back where it was before a roll that died` });
}

// The labels of a lock may name any tag of the engine: only a tag of a repository that the service tracks is the service's.
async function isTracked(
  ports: Ports,
  all: readonly ContainerSummary[],
  service: string,
  wanted: ImageRef,
): Promise<boolean> {
  const slots = groupServices(all).find(({ key }) => key === service)?.slots ?? [];
  for (const member of slots.flatMap(({ members }) => members)) {
    const reference = await trackedReferenceOf(ports, member, undefined);
    if (reference && sameRepository(reference, wanted)) return true;
  }
  return false;
}
