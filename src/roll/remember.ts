import type { Container } from '../core/container.ts';
import { isConflict } from '../core/engine-error.ts';
import { encodeState } from '../core/labels.ts';
import { failureName } from '../core/names.ts';
import { inertRequest } from '../core/recreate/request.ts';
import { firstThere } from './lease.ts';
import { recall, type SlotRun } from './slot-run.ts';

const LOG_LINES = 20;
const LONGEST_LINE = 400;

/** The last lines that a failed container wrote, and its last health results: what a person needs to see. */
export async function evidence(run: SlotRun, container: Container): Promise<{ health: string[]; log: string[] }> {
  const engine = (container.health?.log ?? []).map((entry) => `exit ${entry.exitCode}: ${entry.output.trim()}`);
  const own = recall(run, container).lastOutput;
  const health = [...engine, ...(own ? [own] : [])].slice(-3).map(clip);
  const log = (await run.ports.engine.logs(container.id, LOG_LINES).catch(() => [])).map(clip);
  return { health, log };
}

/**
 * Remembers that an image failed in a slot: an inert container, created and never started, that bears no compose labels.
 * It is made from the image that still serves, so that it keeps no bad image on the disk.
 */
export async function rememberFailure(
  run: SlotRun,
  failed: Container,
  from: Container,
  what: { readonly roll: string; readonly reason: string },
): Promise<void> {
  const { digest, id, follows } = run.desired.image;
  // One that was removed on its exit left nothing to ask, and the one that it was to replace stands for it.
  const isGone = failed.id === from.id && failed.imageId !== id;
  const image = isGone ? id : failed.imageId;
  const { health, log } = isGone ? { health: [], log: [] } : await evidence(run, failed);
  run.memory.lastWords = log;
  run.ports.report({ kind: 'evidence', slot: run.names.home, container: failed.name, health, log });
  const labels = encodeState({
    role: 'failed',
    service: run.service,
    slot: run.names.home,
    roll: what.roll,
    at: new Date(run.now()).toISOString(),
    image,
    digest: image === id ? digest : undefined,
    follows,
    failure: { code: 'not-healthy', reason: what.reason, health, log },
  });
  const name = failureName(run.names.home, image);
  await createAnew(run, name, await firstThere(run.ports, [from.imageId, image]), labels);
}

/** Remembers that somebody went back from an image: no roll is to try it again by itself. */
export async function rememberCondemned(
  run: SlotRun,
  from: Container,
  digest: string | undefined,
  serving: string,
): Promise<void> {
  const labels = encodeState({
    role: 'failed',
    service: run.service,
    slot: run.names.home,
    roll: `${run.desired.roll}-condemned`,
    at: new Date(run.now()).toISOString(),
    image: from.imageId,
    digest,
    follows: from.config.Image ?? '',
    failure: { code: 'known-bad', reason: 'it was rolled back', health: [], log: [] },
  });
  await createAnew(run, failureName(run.names.home, from.imageId), serving, labels);
}

/** Creates an inert container. With --force an image may fail a second time: the newer memory takes the place of the older. */
export async function createAnew(
  { ports: { engine } }: Pick<SlotRun, 'ports'>,
  name: string,
  image: string,
  labels: Record<string, string>,
): Promise<void> {
  try {
    await engine.create(inertRequest(name, image, labels));
  } catch (error) {
    const older = isConflict(error) ? await engine.container(name) : undefined;
    if (!older) throw error;
    await engine.remove(older.id, { discard: true });
    await engine.create(inertRequest(name, image, labels));
  }
}

function clip(line: string): string {
  return line.slice(0, LONGEST_LINE);
}
