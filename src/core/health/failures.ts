import { SwapError } from '../model/error.ts';
import type { Volume } from '../model/volume.ts';
import type { Failure } from '../rollout/observed.ts';
import type { FailureNote, StateLabels } from '../service/labels.ts';
import { failureState } from '../service/ownership.ts';
import { isRejection } from './blame.ts';

/** A volume that records a failed image, with the data of its labels. */
export interface FailureRecord {
  readonly volume: string;
  readonly state: StateLabels;
  readonly failure: FailureNote;
}

/** The failed images that volumes record: the newest record of each image in each slot, without the volumes of other programs. */
export function failureRecords(volumes: readonly Volume[]): FailureRecord[] {
  const newest = new Map<string, FailureRecord>();
  for (const record of volumes.flatMap(recordIn)) {
    const key = JSON.stringify([record.state.slot, record.state.image]);
    const other = newest.get(key);
    if (!other || isNewer(record, other)) newest.set(key, record);
  }
  return [...newest.values()];
}

/** All records of one image in a slot, including replaced ones. */
export function recordsAbout(volumes: readonly Volume[], slotName: string, image: string): FailureRecord[] {
  return volumes.flatMap(recordIn).filter(({ state }) => state.slot === slotName && state.image === image);
}

/** The images that failed in a slot. */
export function failuresIn(records: readonly FailureRecord[], slotName: string): Failure[] {
  return records.flatMap(({ volume: name, state, failure }) => {
    if (state.slot !== slotName) return [];
    const { image, digest, roll, at } = state;
    const { code, reason, tries = 1 } = failure;
    return [{ name, image, digest, roll, at, code, reason, tries }];
  });
}

function recordIn(volume: Volume): FailureRecord[] {
  const state = failureState(volume);
  return state?.failure ? [{ volume: volume.name, state, failure: state.failure }] : [];
}

// A killed roll may have left the record that its own was to replace.
function isNewer({ volume, state }: FailureRecord, other: FailureRecord): boolean {
  return state.at === other.state.at ? volume > other.volume : state.at > other.state.at;
}

/** The failure for which the slot rejects an image; either a digest or the engine's id identifies it. */
export function knownFailure(
  failures: readonly Failure[],
  image: { readonly id?: string; readonly digest: string | undefined },
): Failure | undefined {
  return failures.find(
    (failure) =>
      isRejection(failure) &&
      (failure.image === image.id || (image.digest !== undefined && failure.digest === image.digest)),
  );
}

/** The refusal of an image that failed before. */
export function rejectedBefore(failure: Failure): SwapError {
  return new SwapError('known-bad', `this image was tried here at ${failure.at} and not kept: ${failure.reason}`, {
    hint: `push a fixed image, or use --force to try this one again; the volume ${failure.name} remembers it`,
  });
}
