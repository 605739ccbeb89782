import type { SwarmService, SwarmTask } from '../../core/swarm/model.ts';
import { describeFailure, isImagesFault, isPullFault, taskName } from '../../core/swarm/verdict.ts';
import type { Ports } from '../../ports/ports.ts';

/** The evidence of a failed task. */
export interface Evidence {
  /** `web.2@node`. */
  readonly task: string;
  readonly reason: string;
  readonly health: readonly string[];
  readonly log: readonly string[];
  /** True if only the image can have caused it. */
  readonly image: boolean;
  /** True if the node could not pull the image. */
  readonly pull: boolean;
}

const LOG_LINES = 20;

/**
 * Collects the reasons of a failed task at once: Swarm keeps five tasks of a slot, and a log is gone with its container. The output of
 * the health check is known only for a task on this manager.
 */
export async function evidenceOf(
  ports: Pick<Ports, 'swarm' | 'engine'>,
  service: Pick<SwarmService, 'name'>,
  task: SwarmTask,
): Promise<Evidence> {
  const [nodes, log, container] = await Promise.all([
    nodeNames(ports),
    ports.swarm.logs(task.id, LOG_LINES),
    task.container === undefined ? undefined : ports.engine.container(task.container),
  ]);
  const health = container?.health?.log ?? [];
  return {
    task: taskName(service.name, task, nodes),
    reason: describeFailure(task),
    health: health.map(({ output }) => output.trim()).filter((output) => output !== ''),
    log,
    image: isImagesFault(task),
    pull: isPullFault(task),
  };
}

/** The names of the nodes by their ids. */
export async function nodeNames({ swarm }: Pick<Ports, 'swarm'>): Promise<Map<string, string>> {
  return new Map((await swarm.nodes()).map(({ id, name }) => [id, name]));
}
