import { decodeState } from '../core/labels.ts';
import type { Ports } from '../ports.ts';
import type { SlotRun } from './slot-run.ts';

/**
 * Recalls the restart policy that a dead roll has taken from the old container. Only the container that was to take its place
 * says what that was, also where somebody has renamed it, so that it is none of the slot's any more.
 */
export async function recallHeld({ engine }: Ports, { held }: SlotRun['memory'], old: string): Promise<void> {
  const successor = (await engine.list()).find(({ labels }) => decodeState(labels)?.replaces === old);
  const policy = successor && (await engine.container(successor.id))?.host.RestartPolicy;
  if (policy) held.set(old, policy);
}
