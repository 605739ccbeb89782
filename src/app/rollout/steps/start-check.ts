import type { Container } from '../../../core/model/container.ts';
import { EngineError, isAway, isFault } from '../../../core/model/engine-error.ts';
import { fail } from '../../../core/model/error.ts';
import { isFaultOfImage } from '../../../core/model/refused-start.ts';
import { missedOnlyProgram, needsHost, startCheckRequest } from '../../../core/recreate/start-check.ts';
import type { Step } from '../../../core/rollout/step.ts';
import { encodeState } from '../../../core/service/labels.ts';
import { slotNames } from '../../../core/service/names.ts';
import type { Ports } from '../../../ports/ports.ts';
import type { SlotRun } from '../slot-run.ts';
import { removeOwn } from './remove.ts';

const AGAIN_AFTER_MS = 500;

/** The slot for which a container is checked. */
interface Place {
  /** The key of its service. */
  readonly service: string;
  readonly slotName: string;
}

/** Checks all containers of one slot that a roll will stop. */
export async function checkStarts(
  { ports, service, names: { slotName }, memory }: SlotRun,
  { names, moment }: Extract<Step, { kind: 'check-start' }>,
): Promise<void> {
  for (const name of names) {
    const container = await ports.engine.container(name);
    const note = container?.status === 'running' && (await checkStart(ports, { service, slotName }, container));
    if (note) memory.notes.add(note);
  }
  memory.startChecks.add(moment);
}

/**
 * Proves that the engine could start a container again (and its successor, which has the same needs), without touching it.
 * Resolves with the reason if that can't be proven, or undefined. Raises `cannot-start-again` with the engine's reason if it
 * could not start.
 */
export async function checkStart(ports: Ports, place: Place, container: Container): Promise<string | undefined> {
  if (!needsHost(container)) return undefined;
  if (!(await ports.engine.image(container.imageId)))
    return `the image of ${container.name} is gone, so swapctl did not check that ${container.name} could start again`;
  const first = await refusalOf(ports, place, container);
  if (!first) return undefined;
  // A fault of the engine may pass; the same reason twice is its answer.
  if (isFault(first)) await ports.clock.sleep(AGAIN_AFTER_MS);
  const last = isFault(first) ? await refusalOf(ports, place, container) : first;
  if (!last) return undefined;
  return fail('cannot-start-again', `${container.name} could not start again if it were stopped: ${last.message}`, {
    hint: 'the container still runs, and nothing was changed; restore what is missing on the host, then run this again',
    cause: last,
  });
}

/** Why the engine refuses to start a container like this one; undefined if it would start it. */
async function refusalOf(ports: Ports, place: Place, container: Container): Promise<EngineError | undefined> {
  const { engine } = ports;
  const name = slotNames(place.slotName).startCheck;
  const note = { role: 'copying', service: place.service, slot: place.slotName, base: container.imageId } as const;
  await removeOwn(ports, name, 'copying');
  let made: string | undefined;
  try {
    made = await engine.create(startCheckRequest(container, name, encodeState(note)));
    await engine.start(made);
    return undefined;
  } catch (error) {
    if (!(error instanceof EngineError) || isAway(error)) throw error;
    return missedOnlyProgram(error.message) || isFaultOfImage(error.message) ? undefined : error;
  } finally {
    // By its id: an image may have the same labels, so they do not prove its origin.
    if (made !== undefined) await engine.remove(made, { discard: true });
  }
}
