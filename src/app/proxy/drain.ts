import type { Container } from '../../core/model/container.ts';
import type { SlotRun } from '../rollout/slot-run.ts';
import { drain } from '../traffic/drain.ts';
import { drainRequests } from './route.ts';

/**
 * Drains a container: first by the requests that the proxy in front counts, then, where single connections can be told, by those of
 * clients that come by address. Without such a proxy all is counted by connections.
 */
export async function drainSlot(run: SlotRun, container: Container, renew: () => Promise<void>): Promise<void> {
  const { clock, traffic } = run.ports;
  const began = clock.now();
  const requests = await drainRequests(run, container, run.policy.drainMs);
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
