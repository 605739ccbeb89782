import type { PinnedImage } from '../model/image.ts';
import type { HistoryEntry, StateLabels } from '../service/labels.ts';
import { isRestored, restoredRoll } from '../service/slot.ts';

export interface RunningReplica {
  readonly slot: string;
  readonly imageId: string;
  /** The reference that it was created from. */
  readonly reference: string;
  /** Milliseconds since the epoch, of the engine's clock. */
  readonly createdAt: number;
  /** The labels that swapctl wrote on it; undefined if another program created it. */
  readonly state: StateLabels | undefined;
}

/** Two versions of a service, as an interrupted roll leaves them. */
export interface Split {
  /** The new image, and the replicas that have it. */
  readonly to: PinnedImage;
  readonly ahead: readonly string[];
  /** The image before the roll, and the replicas that still run it. */
  readonly from: PinnedImage;
  readonly behind: readonly string[];
  readonly event: HistoryEntry['event'];
}

/**
 * The version skew of a service; undefined if all replicas run the same, or if the last roll is not the cause: a replica created
 * later, by any program, is as intended.
 */
export function splitOf(replicas: readonly RunningReplica[]): Split | undefined {
  const [newest] = replicas
    .flatMap(({ imageId, state }) => (state?.role === 'replica' && !isRestored(state.roll) ? [{ imageId, state }] : []))
    .sort((a, b) => Date.parse(b.state.at) - Date.parse(a.state.at));
  if (!newest) return undefined;
  const { imageId: to, state } = newest;
  const ahead = replicas.filter(({ imageId }) => imageId === to);
  const rolledAt = Date.parse(state.at);
  // An incumbent with --rm that the roll created again counts as old as the container that it replaces.
  const isOlder = ({ createdAt, state: own }: RunningReplica): boolean =>
    createdAt <= rolledAt || own?.roll === restoredRoll(state.roll);
  const behind = replicas.filter((one) => one.imageId !== to && one.imageId === state.imageBefore && isOlder(one));
  const [old] = behind;
  if (!old || ahead.length + behind.length < replicas.length) return undefined;
  return {
    to: { follows: state.follows, id: to, digest: state.digest },
    ahead: ahead.map(({ slot }) => slot),
    from: { follows: old.reference, id: old.imageId, digest: old.state?.digest },
    behind: behind.map(({ slot }) => slot),
    event: state.history[0]?.event ?? 'rolled',
  };
}
