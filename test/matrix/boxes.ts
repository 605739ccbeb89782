// Containers and volumes of the in-memory engine as swapctl understands them.

import { type FailureRecord, failureRecords } from '../../src/core/health/failures.ts';
import { type OwnLabels, ownLabels } from '../../src/core/model/own-labels.ts';
import { decodeState, type StateLabels } from '../../src/core/service/labels.ts';
import { helperRole } from '../../src/core/service/ownership.ts';
import type { Box, Machine } from '../memory/machine.ts';

/** The role of a container that swapctl made to help; undefined for every other. */
export function roleOf(box: Box): string | undefined {
  return helperRole({ name: box.name, status: box.status, labels: ownOf(box) });
}

/** The records of failed images in the volumes of a machine. */
export function recordsOn({ volumes }: Machine): FailureRecord[] {
  return failureRecords([...volumes.values()]);
}

export function stateOf(box: Box): StateLabels | undefined {
  return decodeState(ownOf(box));
}

function ownOf({ name, image, config }: Box): OwnLabels {
  return ownLabels({ name, imageId: image.id, labels: config.Labels ?? {} }, image.config.Labels ?? {});
}
