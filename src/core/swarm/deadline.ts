import { engineDeadlineMs } from '../health/health.ts';
import type { HealthConfig } from '../model/container.ts';
import type { Policy } from '../settings/policy.ts';
import { describeFailure, isWanted, type Seen } from './verdict.ts';

// Where nobody can tell which HEALTHCHECK the image has.
const UNKNOWN_CHECK_MS = 180_000;
// A node pulls the image before it starts a task, and Swarm does not tell how far it is.
const PULL_MS = 600_000;
// Swarm waits for so long between the end of a task's address and SIGTERM, and its managers take their time, too.
const SLACK_MS = 12_000;

/**
 * For how long nothing may happen in an update before swapctl gives up on it: Swarm itself waits for ever. `check` is the
 * HEALTHCHECK of the new tasks; undefined: it is not known.
 */
export function patienceMs(
  { service, tasks }: Seen,
  policy: Pick<Policy, 'healthTimeoutMs'>,
  check: HealthConfig | undefined,
): number {
  const { stopGraceMs, updateConfig } = service;
  const healthy = policy.healthTimeoutMs ?? (check ? engineDeadlineMs(check) : UNKNOWN_CHECK_MS);
  const pulls = tasks.some((task) => isWanted(task) && task.state === 'preparing');
  return healthy + stopGraceMs + updateConfig.delayMs + updateConfig.monitorMs + SLACK_MS + (pulls ? PULL_MS : 0);
}

/** All that changes while an update goes on; two looks with the same text show a standstill. */
export function fingerprint({ service, tasks }: Seen): string {
  const states = tasks.map(({ id, state, desired }) => `${id} ${state} ${desired}`).sort();
  return [service.image, service.update?.state ?? '', ...states].join('\n');
}

/** What an update that stands still waits for, in Swarm's words where it has any. */
export function standstill({ tasks }: Seen, image: string): string {
  const stuck = tasks.filter((task) => isWanted(task) && task.image === image && task.state !== 'running');
  const [first] = stuck;
  if (!first) return 'no new task was made';
  const said = first.error === '' ? '' : `: ${describeFailure(first)}`;
  return `${stuck.length} new task${stuck.length > 1 ? 's stay' : ' stays'} ${first.state}${said}`;
}
