import type { RestartPolicy } from '../../core/model/container.ts';
import type { OwnLabels } from '../../core/model/own-labels.ts';
import { decodeState } from '../../core/service/labels.ts';
import type { Ports } from '../../ports/ports.ts';
import type { SlotRun } from '../rollout/slot-run.ts';
import { listed } from '../select/own.ts';

/**
 * The restart policy of a stopped incumbent in place of its own. Not 'no': so a user who finds the container finds (nearly) its
 * original policy, and still the engine leaves a stopped one alone when it starts.
 */
export const HELD: RestartPolicy = { Name: 'unless-stopped' };

/**
 * Recalls the restart policy that a dead roll suspended on the incumbent (an id). Only its candidate records that policy, even if
 * a user has renamed the candidate, so that it is no longer in the slot.
 */
export async function recallHeld({ engine }: Ports, { held }: SlotRun['memory'], old: string): Promise<void> {
  const now = (await engine.container(old))?.host.RestartPolicy;
  // A roll suspends no policy with --rm, or if the engine can't change it.
  if (now?.Name !== HELD.Name) return;
  const successor = (await listed(engine)).find(({ labels }) => isSuccessor(labels, old));
  const own = successor && (await engine.container(successor.id))?.host.RestartPolicy;
  if (own && own.Name !== HELD.Name) held.set(old, own);
}

function isSuccessor(labels: OwnLabels, old: string): boolean {
  const state = decodeState(labels);
  return state?.role === 'replica' && state.replaces === old;
}
