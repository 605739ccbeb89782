import type { ContainerSummary } from '../core/container.ts';
import { type EngineVerdict, engineVerdictFor } from '../core/engine-verdict.ts';
import type { Policy } from '../core/policy.ts';
import type { Ports } from '../ports.ts';

/** The engine's verdict that a recovery waits for before it retires an incumbent; undefined if it waits for none. */
export async function awaitedVerdict(
  { engine, host }: Ports,
  policy: Policy,
  incumbent: ContainerSummary | undefined,
  all: readonly ContainerSummary[],
): Promise<EngineVerdict | undefined> {
  const container = incumbent && (await engine.container(incumbent.id));
  return container && engineVerdictFor(container, incumbent.labels, policy, all, host.containerId);
}
