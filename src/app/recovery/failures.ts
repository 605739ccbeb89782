import { type FailureRecord, failureRecords, recordsAbout } from '../../core/health/failures.ts';
import { EngineError, isConflict } from '../../core/model/engine-error.ts';
import type { Volume } from '../../core/model/volume.ts';
import { encodeState, type FailureNote, roleLabel, type StateNote } from '../../core/service/labels.ts';
import { failureName } from '../../core/service/names.ts';
import { failureState } from '../../core/service/ownership.ts';
import type { Engine } from '../../ports/engine.ts';
import type { Ports } from '../../ports/ports.ts';

type Volumes = Pick<Engine, 'volumes' | 'volume' | 'createVolume' | 'removeVolume'>;

/** The failed images in records on the engine's volumes. `docker system prune` leaves named volumes alone (T71). */
export async function recordedFailures(engine: Pick<Engine, 'volumes'>): Promise<FailureRecord[]> {
  return failureRecords(await marked(engine));
}

function marked(engine: Pick<Engine, 'volumes'>): Promise<Volume[]> {
  return engine.volumes(roleLabel('failed'));
}

/** The content of a record of a failure. */
export type FailureState = StateNote & {
  readonly role: 'failed';
  readonly roll: string;
  readonly image: string;
  readonly failure: FailureNote;
};

/**
 * Records a failed image in a volume that nothing mounts. Older records of the image are removed only afterwards, so that a
 * rejection is recorded at any time.
 */
export async function recordFailure(ports: WithVolumes, state: FailureState): Promise<void> {
  const { engine } = ports;
  const name = failureName(state.slot, state.roll);
  const older = recordsAbout(await marked(engine), state.slot, state.image);
  await engine.createVolume(name, encodeState(state));
  for (const { volume } of older) if (volume !== name) await forgetReplaced(ports, volume);
}

// The newest record counts, so an old one that stays only takes a name.
async function forgetReplaced(ports: WithVolumes, volume: string): Promise<void> {
  try {
    await forgetFailure(ports, volume);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    ports.report({ kind: 'debug', text: `${volume}, which a newer record replaces, is left: ${error.message}` });
  }
}

/** The number of earlier failures of an image in a slot, of the same kind: the backoff grows with each. */
export async function earlierTries(
  { engine }: { readonly engine: Pick<Engine, 'volumes'> },
  slotName: string,
  image: string,
  code: FailureNote['code'],
): Promise<number> {
  const [earlier] = failureRecords(await marked(engine)).filter(
    ({ state }) => state.slot === slotName && state.image === image,
  );
  return earlier?.failure.code === code ? (earlier.failure.tries ?? 1) : 0;
}

/** The volume calls of the engine, and the sink of notes. */
interface WithVolumes {
  readonly engine: Volumes;
  readonly report: Ports['report'];
}

/**
 * Removes the record of a failure; resolves with true if it is gone. A volume that swapctl did not make stays, and so does one
 * that a container uses.
 */
export async function forgetFailure({ engine, report }: WithVolumes, name: string): Promise<boolean> {
  const volume = await engine.volume(name);
  if (!volume) return true;
  if (!failureState(volume)) return false;
  try {
    await engine.removeVolume(name);
    return true;
  } catch (error) {
    if (!isConflict(error)) throw error;
    const text = `the volume ${name}, which remembers a failed image, stays, since a container uses it`;
    report({ kind: 'note', text });
    return false;
  }
}
