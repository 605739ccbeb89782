import type { Container } from '../../core/model/container.ts';
import type { SlotRun } from '../rollout/slot-run.ts';
import { drain } from '../traffic/drain.ts';
import { drainRequests } from './route.ts';

/**
 * Drains a container: first by the requests that the proxy in front counts, then, if single connections are known, by those of clients
 * that connect by address. Without such a proxy connections are counted.
 */
export async function drainSlot(run: SlotRun, container: Container, renew: () => Promise<void>): Promise<void> {
  const { clock, traffic } = run.ports;
  const began = clock.now();
  const isStopFirst = run.desired.choice.strategy === 'stop-first';
  const requests = await drainRequests(run, container, mostMs(run));
  // The time in which its requests wait, or go to others, is short.
  if (isStopFirst) return void run.memory.drained.set(container.id, requests);
  if (!requests) return drain(run, container, renew);
  run.memory.drained.set(container.id, requests);
  if (!(await traffic.diagnose(container)).available) return;
  const drainMs = Math.max(0, run.policy.drainMs - (clock.now() - began));
  await drain({ ...run, policy: { ...run.policy, drainMs } }, container, renew);
  const connections = run.memory.drained.get(container.id);
  const { busy, cut } = connections ?? requests;
  run.memory.drained.set(container.id, {
    ...connections,
    busy: Math.max(busy, requests.busy),
    cut: Math.max(cut, requests.cut),
  });
}

// Held requests wait for the successor as well.
function mostMs({ memory: { routed }, policy: { drainMs } }: SlotRun): number {
  return routed?.wanted.kind === 'held' ? Math.min(drainMs, routed.wanted.longestMs / 2) : drainMs;
}
