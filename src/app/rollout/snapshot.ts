import type { Container } from '../../core/model/container.ts';
import { fail } from '../../core/model/error.ts';
import type { Observed } from '../../core/rollout/observed.ts';
import type { SlotRun } from './slot-run.ts';

/** The planner's view, and the containers behind it for the executors. */
export interface Snapshot {
  readonly seen: Observed;
  readonly incumbent: Container | undefined;
  readonly candidate: Container | undefined;
  readonly rehearsal: Container | undefined;
  readonly standIn: Container | undefined;
}

/** The container of an id. */
export function named(id: string, { incumbent, candidate, rehearsal, standIn }: Snapshot): Container | undefined {
  return [incumbent, candidate, rehearsal, standIn].find((container) => container?.id === id);
}

/** A container that the slot needs. Raises `attention` if it is gone. */
export function serving(run: SlotRun, container: Container | undefined): Container {
  return (
    container ??
    fail('attention', `the container of ${run.names.slotName} vanished during the roll`, {
      hint: 'start it anew as you did at first',
    })
  );
}
