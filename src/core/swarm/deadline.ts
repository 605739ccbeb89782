import { engineDeadlineMs } from '../health/health.ts';
import type { HealthConfig } from '../model/container.ts';
import type { Policy } from '../settings/policy.ts';
import { describeFailure, isWanted, type Seen } from './verdict.ts';

// If the HEALTHCHECK of the image is unknown.
const UNKNOWN_CHECK_MS = 180_000;
// A node pulls the image before it starts a task, and Swarm does not report the progress.
const PULL_MS = 600_000;
// Swarm waits this long between the end of a task's address and SIGTERM, and its managers add some delay.
const SLACK_MS = 12_000;

/**
 * How long an update may stand still before swapctl gives up on it: Swarm itself waits for ever. `check` is the HEALTHCHECK of
 * the new tasks; undefined: unknown.
 */
export function standstillMs(
  { service, tasks }: Seen,
  policy: Pick<Policy, 'healthTimeoutMs'>,
  check: HealthConfig | undefined,
): number {
  const { stopGraceMs, updateConfig } = service;
  const healthy = policy.healthTimeoutMs ?? (check ? engineDeadlineMs(check) : UNKNOWN_CHECK_MS);
  const pulls = tasks.some((task) => isWanted(task) && task.state === 'preparing');
  return healthy + stopGraceMs + updateConfig.delayMs + updateConfig.monitorMs + SLACK_MS + (pulls ? PULL_MS : 0);
}

/** Everything that changes during an update; two equal texts show a standstill. */
export function fingerprint({ service, tasks }: Seen): string {
  const states = tasks.map(({ id, state, desired }) => `${id} ${state} ${desired}`).sort();
  return [service.image, service.update?.state ?? '', ...states].join('\n');
}

/** The reason why an update stands still, in Swarm's words if there are any. */
export function standstill({ tasks }: Seen, image: string): string {
  const stuck = tasks.filter((task) => isWanted(task) && task.image === image && task.state !== 'running');
  const [first] = stuck;
  if (!first) return 'no new task was made';
  const said = first.error === '' ? '' : `: ${describeFailure(first)}`;
  return `${stuck.length} new task${stuck.length > 1 ? 's stay' : ' stays'} ${first.state}${said}`;
}
