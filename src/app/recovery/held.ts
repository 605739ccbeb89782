import type { RestartPolicy } from '../../core/model/container.ts';
import type { OwnLabels } from '../../core/model/own-labels.ts';
import { decodeState } from '../../core/service/labels.ts';
import type { Ports } from '../../ports/ports.ts';
import type { SlotRun } from '../rollout/slot-run.ts';
import { listed } from '../select/own.ts';

/**
 * What an old container has instead of its own restart policy while it is down. Not 'no': this way a person who finds the
 * container finds (nearly) the policy that it had, and yet the engine leaves a stopped one alone when it starts.
 */
export const HELD: RestartPolicy = { Name: 'unless-stopped' };

/**
 * Recalls the restart policy that a dead roll has taken from the old container (an id). Only the container that was to take its
 * place says what that was, also where somebody has renamed it, so that it is none of the slot's any more.
 */
export async function recallHeld({ engine }: Ports, { held }: SlotRun['memory'], old: string): Promise<void> {
  const now = (await engine.container(old))?.host.RestartPolicy;
  // Nothing was taken from one with --rm, nor where the engine can't change it.
  if (now?.Name !== HELD.Name) return;
  const successor = (await listed(engine)).find(({ labels }) => isSuccessor(labels, old));
  const own = successor && (await engine.container(successor.id))?.host.RestartPolicy;
  if (own && own.Name !== HELD.Name) held.set(old, own);
}

function isSuccessor(labels: OwnLabels, old: string): boolean {
  const state = decodeState(labels);
  return state?.role === 'replica' && state.replaces === old;
}
