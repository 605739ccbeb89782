import { engineVerdictFor } from '../../../core/health/engine-verdict.ts';
import type { EngineVerdict } from '../../../core/health/noticed.ts';
import type { ContainerSummary } from '../../../core/model/container.ts';
import type { SlotRun } from '../slot-run.ts';

/** The engine's verdict that a recovery waits for before it retires the serving container; undefined if it waits for none. */
export async function awaitedVerdict(
  { ports: { engine, host }, policy, names }: Pick<SlotRun, 'ports' | 'policy' | 'names'>,
  incumbent: ContainerSummary | undefined,
  all: readonly ContainerSummary[],
): Promise<EngineVerdict | undefined> {
  const standIn = all.find(({ name }) => name === names.standIn);
  const serving = [incumbent, standIn].find((one) => one?.status === 'running');
  const container = serving && (await engine.container(serving.id));
  return container && engineVerdictFor(container, serving.labels, policy, all, host.containerId);
}
