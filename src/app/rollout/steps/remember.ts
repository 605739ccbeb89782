import type { Container } from '../../../core/model/container.ts';
import { EngineError, isConflict } from '../../../core/model/engine-error.ts';
import { SwapError } from '../../../core/model/error.ts';
import { inertRequest } from '../../../core/recreate/request.ts';
import type { Step } from '../../../core/rollout/step.ts';
import { encodeState, type FailureNote, type StateNote } from '../../../core/service/labels.ts';
import { failureName } from '../../../core/service/names.ts';
import { firstThere } from '../../lock/lease.ts';
import { type Look, stateOf } from '../../select/own.ts';
import { recall, type SlotRun } from '../slot-run.ts';
import { removeOwn } from './remove.ts';

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
  what: Pick<Extract<Step, { kind: 'remember-failure' }>, 'roll' | 'code' | 'reason'>,
): Promise<void> {
  const { digest, id, follows } = run.desired.image;
  // One that was removed on its exit left nothing to ask, and the one that it was to replace stands for it.
  const isGone = failed.id === from.id && failed.imageId !== id;
  const image = isGone ? id : failed.imageId;
  const { health, log } = isGone ? { health: [], log: [] } : await evidence(run, failed);
  run.memory.lastWords = log;
  run.memory.lastStatus = isGone ? undefined : recall(run, failed).lastStatus;
  run.memory.redirectedAway = await redirectedAway(run, failed);
  run.ports.report({ kind: 'evidence', slot: run.names.home, container: failed.name, health, log });
  const tries = 1 + (await earlierTries(run, run.names.home, image, what.code));
  const note = {
    role: 'failed',
    service: run.service,
    slot: run.names.home,
    roll: what.roll,
    at: new Date(run.now()).toISOString(),
    image,
    digest: image === id ? digest : undefined,
    follows,
    failure: { code: what.code, reason: what.reason, health, log, ...(tries > 1 ? { tries } : {}) },
  } as const;
  const name = failureName(run.names.home, image);
  await createAnew(run, name, await firstThere(run.ports, [from.imageId, image]), note);
}

/** How often an image failed in a slot before, in the same way: the backoff grows with each. */
export async function earlierTries(
  { ports, memory }: Look,
  home: string,
  image: string,
  code: FailureNote['code'],
): Promise<number> {
  const earlier = await ports.engine.container(failureName(home, image));
  const failure = earlier && (await stateOf({ ports, memory }, earlier))?.failure;
  return failure?.code === code ? (failure.tries ?? 1) : 0;
}

// An app may become healthy only once others reach it. Their number is a hint, so an nft that fails ends nothing.
export async function redirectedAway({ ports: { kernel }, memory }: SlotRun, { id }: Container): Promise<number> {
  if (!memory.shut.has(id)) return 0;
  const connections = await kernel.led(id).catch(unknown);
  return connections.length;
}

function unknown(raised: unknown): [] {
  if (!(raised instanceof SwapError || raised instanceof EngineError)) throw raised;
  return [];
}

/** Remembers that somebody went back from an image: no roll is to try it again by itself. */
export async function rememberCondemned(
  run: SlotRun,
  from: Container,
  digest: string | undefined,
  serving: string,
): Promise<void> {
  const note = {
    role: 'failed',
    service: run.service,
    slot: run.names.home,
    roll: `${run.desired.roll}-condemned`,
    at: new Date(run.now()).toISOString(),
    image: from.imageId,
    digest,
    follows: from.config.Image ?? '',
    failure: { code: 'known-bad', reason: 'it was rolled back', health: [], log: [] },
  } as const;
  await createAnew(run, failureName(run.names.home, from.imageId), serving, note);
}

/** Creates an inert container. With --force an image may fail a second time: the newer memory takes the place of the older. */
export async function createAnew(
  { ports }: Pick<SlotRun, 'ports'>,
  name: string,
  image: string,
  note: StateNote,
): Promise<void> {
  const { engine } = ports;
  const request = inertRequest(name, image, encodeState({ ...note, base: image }));
  try {
    await engine.create(request);
  } catch (error) {
    const older = isConflict(error) ? await engine.container(name) : undefined;
    if (!older) throw error;
    await removeOwn(ports, older.id, 'failed');
    await engine.create(request);
  }
}

function clip(line: string): string {
  return line.slice(0, LONGEST_LINE);
}
