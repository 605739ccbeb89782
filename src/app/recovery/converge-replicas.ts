import type { ContainerSummary } from '../../core/model/container.ts';
import { exitStatus } from '../../core/model/error.ts';
import type { PinnedImage } from '../../core/model/image.ts';
import type { ServiceReport } from '../../core/report/report.ts';
import type { RecoveredItem } from '../../core/report/status.ts';
import type { HistoryEntry } from '../../core/service/labels.ts';
import { lockName } from '../../core/service/names.ts';
import { groupServices, type Service } from '../../core/service/service.ts';
import { type RunningReplica, type Split, splitOf } from '../../core/update/split.ts';
import type { Ports } from '../../ports/ports.ts';
import { lockLives } from '../lock/lock.ts';
import { reported } from '../report/reported.ts';
import { rollService } from '../rollout/roll-service.ts';
import { imageCache, listed, stateOf } from '../select/own.ts';
import { runsIn } from '../update/self-update.ts';

/** The services with several replicas, which an interrupted roll may have left with two versions. */
export function replicated(all: readonly ContainerSummary[]): string[] {
  return groupServices(all).flatMap(({ key, slots }) => (slots.length > 1 ? [key] : []));
}

/** True: a process works on the service, or died while it did. */
export function isUnderWay({ host }: Pick<Ports, 'host'>, all: readonly ContainerSummary[], key: string): boolean {
  const lock = lockName(key, host.sha256);
  return all.some(({ name }) => name === lock);
}

/**
 * A roll that died between two replicas, or that an engine failure ended there, leaves a service with two versions, each slot
 * whole. The other replicas then move to the image that the first one has proven; if that fails, all go back, as in a live roll.
 * Resolves with the actions.
 */
export async function convergeReplicas(ports: Ports, key: string, signal: AbortSignal): Promise<RecoveredItem[]> {
  // A live roll is on its way from one version to the other.
  if (await lockLives(ports, key)) return [];
  const all = await listed(ports.engine);
  const service = groupServices(all).find((one) => one.key === key);
  const split = service && !runsIn(ports, service) ? splitOf(await replicasOf(ports, service)) : undefined;
  if (!split) return [];
  ports.report({
    kind: 'note',
    text: `${key}: an earlier roll ended between its replicas; ${split.behind.join(', ')} ${split.behind.length > 1 ? 'follow' : 'follows'}`,
  });
  const on = await rollTo(ports, key, split.to, split.event, signal);
  if (!on.error || exitStatus(on.error.code) !== 1) return items(split, split.behind, on, 'finished');
  ports.report({ kind: 'note', text: `${key}: ${on.error.message}; all replicas go back to the old image` });
  return items(split, split.ahead, await rollTo(ports, key, split.from, 'rolled-back', signal), 'undone');
}

async function replicasOf(ports: Ports, { slots }: Service): Promise<RunningReplica[]> {
  const look = { ports, images: imageCache() };
  const looks = slots.flatMap(({ slotName, members }) =>
    members.filter(({ status }) => status === 'running').map(({ id }) => ({ slotName, id })),
  );
  const replicas = looks.map(async ({ slotName, id }): Promise<RunningReplica[]> => {
    const container = await ports.engine.container(id);
    if (!container) return [];
    const { imageId, config, createdAt } = container;
    const state = await stateOf(look, container);
    return [{ slot: slotName, imageId, reference: config.Image ?? '', createdAt, state }];
  });
  return (await Promise.all(replicas)).flat();
}

function rollTo(
  ports: Ports,
  key: string,
  image: PinnedImage,
  event: HistoryEntry['event'],
  signal: AbortSignal,
): Promise<ServiceReport> {
  const target = { kind: 'local', image } as const;
  const options = { target, pull: 'never', force: false, overrides: {}, rejectLeft: false } as const;
  return reported(key, async () => {
    const all = await listed(ports.engine);
    const service = groupServices(all).find((one) => one.key === key);
    if (!service) return { service: key, outcome: 'unchanged', timings: { total: 0 } };
    return rollService(ports, service, all, { ...options, event, signal });
  });
}

function items(
  { to, from }: Split,
  slots: readonly string[],
  { service, error }: ServiceReport,
  done: 'finished' | 'undone',
): RecoveredItem[] {
  const outcome = !error ? done : error.code === 'busy' ? 'busy' : 'failed';
  const short = ({ id }: PinnedImage): string => id.slice(0, 'sha256:'.length + 12);
  const found = `replicas of ${short(from)} and of ${short(to)}`;
  return slots.map((slot) => ({ service, slot, found, outcome, ...(error && { error }) }));
}
