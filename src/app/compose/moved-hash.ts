import type { Container } from '../../core/model/container.ts';
import { COMPOSE_HASH, COMPOSE_SERVICE } from '../../core/model/label-keys.ts';
import { type Successors, successorSharing } from '../../core/model/references.ts';
import { composeHashLabel } from '../../core/recreate/compose-hash.ts';
import { projectOf } from '../../core/service/compose.ts';
import type { SlotRun } from '../rollout/slot-run.ts';
import { ownOf } from '../select/own.ts';

/**
 * The config hash that compose expects on a container which shares with successors; undefined if nothing changes, or if compose can't
 * compute it (it is not installed here, or its files have changed since).
 */
export async function movedHash(
  run: Pick<SlotRun, 'ports' | 'images'>,
  container: Container,
  successors: Successors,
): Promise<string | undefined> {
  const { host } = container;
  const labels = await ownOf(run, container);
  const label = labels[COMPOSE_HASH];
  const project = projectOf(labels);
  const after = successorSharing(host, successors);
  const changes = Object.entries(after).some(([field, value]) => String(host[field]) !== String(value));
  if (!changes || !label || !project) return undefined;
  const { engine, compose, host: machine } = run.ports;
  // The labels name paths of the engine's machine.
  if (!(await engine.facts()).local) return undefined;
  const service = (await compose.services(project))?.[labels[COMPOSE_SERVICE] ?? ''];
  return service && composeHashLabel(label, service, { before: host, after: { ...host, ...after } }, machine.sha256);
}
