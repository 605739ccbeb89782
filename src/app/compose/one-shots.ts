import type { Container, ContainerSummary } from '../../core/model/container.ts';
import { fail } from '../../core/model/error.ts';
import type { PinnedImage } from '../../core/model/image.ts';
import { COMPOSE_ONEOFF } from '../../core/model/label-keys.ts';
import type { OwnLabels } from '../../core/model/own-labels.ts';
import { composeKey } from '../../core/service/compose-depends.ts';
import { completedFirst, isSameTag } from '../../core/service/one-shot.ts';
import { helperRole } from '../../core/service/ownership.ts';
import type { Ports } from '../../ports/ports.ts';
import type { PreparedSlot } from '../rollout/prepared-slot.ts';
import { listed, ownOf } from '../select/own.ts';
import { runOneShot, type Wish } from './run-one-shot.ts';

/** A one-shot whose last run did not use the desired image. */
export interface Due {
  /** The key of its service. */
  readonly key: string;
  readonly container: Container;
}

/**
 * The one-shots of the desired tag that compose completes before a container (`service_completed_successfully`), also before each other,
 * in their order. One that has ended successfully with the image (id) is done.
 */
export async function dueOneShots(
  ports: Ports,
  slot: Pick<PreparedSlot, 'container' | 'images'>,
  image: Pick<PinnedImage, 'follows' | 'id'>,
  all: readonly ContainerSummary[],
): Promise<Due[]> {
  const look = { ports, images: slot.images };
  const seen = new Set<string>();
  const before = async (own: OwnLabels): Promise<Due[]> => {
    const due: Due[] = [];
    for (const { key } of completedFirst(own)) {
      const container = seen.has(key) ? undefined : await oneShotOf(ports, key, all);
      seen.add(key);
      if (!container || !isSameTag(container.config.Image, image.follows)) continue;
      due.push(...(await before(await ownOf(look, container))));
      if (!hasRun(container, image.id)) due.push({ key, container });
    }
    return due;
  };
  return before(await ownOf(look, slot.container));
}

/**
 * Runs them, each to its end, before any other change of the roll. Raises `step-failed` with the log of the first failure; the service
 * still runs as before.
 */
export async function runOneShots(ports: Ports, slot: PreparedSlot, wish: Wish): Promise<void> {
  const due = await dueOneShots(ports, slot, wish.image, await listed(ports.engine));
  for (const { container } of due) refuseRunning(container);
  for (const { key, container } of due) slot.memory.notes.add(await runOneShot(ports, key, container, wish));
}

function hasRun({ imageId, status, exitCode }: Container, image: string): boolean {
  return imageId === image && status === 'exited' && exitCode === 0;
}

async function oneShotOf(
  { engine }: Ports,
  key: string,
  all: readonly ContainerSummary[],
): Promise<Container | undefined> {
  const found = all.find(
    (one) => composeKey(one.labels) === key && one.labels[COMPOSE_ONEOFF] !== 'True' && helperRole(one) === undefined,
  );
  return found && engine.container(found.id);
}

function refuseRunning({ name, status }: Container): void {
  if (status !== 'running' && status !== 'restarting') return;
  const hint = `wait until it has ended: docker wait ${name}`;
  fail('busy', `${name}, which has to end before this roll, is running`, { hint });
}
