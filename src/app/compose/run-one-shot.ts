import type { Container } from '../../core/model/container.ts';
import { EngineError, isAway } from '../../core/model/engine-error.ts';
import { fail, SwapError } from '../../core/model/error.ts';
import type { PinnedImage } from '../../core/model/image.ts';
import { slotNames } from '../../core/service/names.ts';
import { notOurs } from '../../core/service/ownership.ts';
import { formatDuration } from '../../core/text/duration.ts';
import type { Ports } from '../../ports/ports.ts';
import { guarded } from '../lock/guard.ts';
import { takeLock } from '../lock/held-lock.ts';
import { copiedFiles } from '../rollout/prepare.ts';
import { freshMemory } from '../rollout/slot-run.ts';
import { createOneShot } from '../rollout/steps/create.ts';
import { shown } from '../rollout/steps/remember.ts';
import { removeOwn, stateOfMade } from '../rollout/steps/remove.ts';
import { engineClock } from '../select/engine-time.ts';
import { imageCache, ownOf } from '../select/own.ts';
import { settingsOf } from '../select/settings.ts';

/** The roll that needs the one-shots. */
export interface Wish {
  readonly image: PinnedImage;
  readonly roll: string;
  readonly signal: AbortSignal;
}

/** A migration may take long; one that hangs must not block later rolls. */
const LONGEST_MS = 3_600_000;
const LOG_LINES = 20;

/**
 * Runs a one-shot with the image: in a new container with the settings of the old one, which it replaces once it has ended with 0.
 * Resolves with a note for the report. Raises `step-failed` if it fails; then the old container stays.
 */
export async function runOneShot(ports: Ports, key: string, container: Container, wish: Wish): Promise<string> {
  const heldLock = await takeLock(ports, key, [container.imageId, wish.image.id]);
  try {
    return await runLocked(guarded(ports, heldLock), key, container, wish);
  } finally {
    await heldLock.release();
  }
}

async function runLocked(ports: Ports, key: string, container: Container, wish: Wish): Promise<string> {
  const { engine, clock, report } = ports;
  const began = clock.now();
  report({ kind: 'note', text: `${key}: run ${container.name} with the new image to its end` });
  const id = (await leftover(ports, container, wish)) ?? (await started(ports, key, container, wish));
  const code = await endOf(ports, key, id, container, wish.signal);
  if (code !== 0) await refuse(ports, id, container, `it ended with exit code ${code}`);
  await engine.remove(container.id);
  await engine.rename(id, container.name);
  return `${container.name} was run to its end with the new image (${formatDuration(clock.now() - began)})`;
}

// The remains of a roll that died: its run may continue, or have ended successfully.
async function leftover({ engine }: Ports, { name }: Container, { image }: Wish): Promise<string | undefined> {
  const found = await engine.container(slotNames(name).oneShot);
  if (!found) return undefined;
  if ((await stateOfMade({ engine }, found))?.role !== 'one-shot') notOurs(found.name);
  const isWanted = found.imageId === image.id;
  if (isWanted && (found.status === 'running' || (found.status === 'exited' && found.exitCode === 0))) return found.id;
  await engine.stop(found.id);
  await removeOwn({ engine }, found.id, 'one-shot');
  return undefined;
}

async function started(ports: Ports, key: string, container: Container, { image, roll }: Wish): Promise<string> {
  const { engine } = ports;
  const names = slotNames(container.name);
  const run = {
    ports,
    images: imageCache(),
    memory: freshMemory(),
    names,
    service: key,
    desired: { image, roll },
    successors: new Map(),
    now: await engineClock(ports),
  };
  const paths = await copiedFiles(ports, container, await ownOf(run, container));
  const id = await tagged(ports, image, () => createOneShot(run, container, names.oneShot));
  for (const path of paths) await engine.copy(container.id, id, path);
  try {
    await engine.start(id);
  } catch (error) {
    if (!(error instanceof EngineError) || isAway(error)) throw error;
    await refuse(ports, id, container, error.message);
  }
  return id;
}

// The engine records the reference of a container, which compose compares; the tag itself moves with the service.
async function tagged<T>({ engine }: Ports, { follows, id }: PinnedImage, work: () => Promise<T>): Promise<T> {
  const before = (await engine.image(follows))?.id;
  if (before === id) return work();
  await engine.tag(id, follows);
  try {
    return await work();
  } finally {
    if (before !== undefined) await engine.tag(before, follows);
  }
}

async function endOf(
  ports: Ports,
  key: string,
  id: string,
  container: Container,
  signal: AbortSignal,
): Promise<number> {
  const { engine, clock } = ports;
  const own = await ownOf({ ports, images: imageCache() }, container);
  const most = settingsOf(ports, key, own, {}).healthTimeoutMs ?? LONGEST_MS;
  const ended = new AbortController();
  const late = clock.sleep(most, ended.signal).then(() => undefined);
  const code = await Promise.race([engine.wait(id, AbortSignal.any([signal, ended.signal])), late])
    .catch((raised) => (signal.aborted ? undefined : Promise.reject(raised)))
    .finally(() => ended.abort());
  if (code !== undefined && !signal.aborted) return code;
  await engine.stop(id);
  if (!signal.aborted) return refuse(ports, id, container, `it did not end within ${formatDuration(most)}`);
  await removeOwn(ports, id, 'one-shot');
  return fail('interrupted', `interrupted while ${container.name} ran; swapctl stopped it`);
}

async function refuse(ports: Ports, id: string, container: Container, why: string): Promise<never> {
  const { name } = container;
  const log = shown(await ports.engine.logs(id, LOG_LINES), container);
  await removeOwn(ports, id, 'one-shot');
  throw new SwapError(
    'step-failed',
    `${name}, which compose runs before the service, failed with the new image: ${why}`,
    {
      hint: `fix its cause, then roll again; the image is not rejected, and the service was not touched`,
      log,
    },
  );
}
