import type { PinnedImage } from '../model/image.ts';
import type { HistoryEntry, StateLabels } from '../service/labels.ts';
import { isRestored, restoredRoll } from '../service/slot.ts';

/** A replica that runs. */
export interface RunningReplica {
  readonly slot: string;
  readonly imageId: string;
  /** The reference that it was created from. */
  readonly reference: string;
  /** Milliseconds since the epoch, of the engine's clock. */
  readonly createdAt: number;
  /** What swapctl wrote down on it; undefined on one that somebody else made. */
  readonly state: StateLabels | undefined;
}

/** Two versions of a service, as a roll leaves them that ended between two replicas. */
export interface Split {
  /** What the roll brought, and which replicas have it. */
  readonly to: PinnedImage;
  readonly ahead: readonly string[];
  /** What it was to replace, and which replicas run that still. */
  readonly from: PinnedImage;
  readonly behind: readonly string[];
  readonly event: HistoryEntry['event'];
}

/**
 * The split of a service; undefined where all replicas run the same, or where it is not the last roll that tells them apart: one that
 * was made after that, by whomever, is as it was meant to be.
 */
export function splitOf(replicas: readonly RunningReplica[]): Split | undefined {
  const [newest] = replicas
    .flatMap(({ imageId, state }) => (state?.role === 'replica' && !isRestored(state.roll) ? [{ imageId, state }] : []))
    .sort((a, b) => Date.parse(b.state.at) - Date.parse(a.state.at));
  if (!newest) return undefined;
  const { imageId: to, state } = newest;
  const ahead = replicas.filter(({ imageId }) => imageId === to);
  const rolledAt = Date.parse(state.at);
  // An old container with --rm that the roll itself created again is as old as the one that it stands for.
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
