import type { ContainerSummary } from '../../core/model/container.ts';
import type { ServiceReport } from '../../core/report/report.ts';
import { FOLLOWED } from '../../core/update/roll-target.ts';
import type { Ports } from '../../ports/ports.ts';
import { prepareSlot } from '../rollout/prepare.ts';
import type { RollOptions } from '../rollout/roll-slot.ts';
import { checkStart } from '../rollout/steps/start-check.ts';
import { listed } from '../select/own.ts';
import { rollToImage } from './replace.ts';
import { developedService } from './service.ts';

// Programs leave only disposable files in these.
const PASSING =
  /^\/(tmp|run|dev|proc|sys|var\/(run|log|tmp|cache|lock))(\/|$)|^\/\.dockerenv$|^\/root\/\.[^/]*_history$/;

/**
 * Restarts a service with the files that were synced into it (below `targets`). If two containers can run side by side, or a
 * stand-in can answer, swapctl rolls it to its own image with these files, without a gap; if that would lose other files written
 * in the container, or is impossible, it restarts the container itself.
 */
export async function restartService(
  ports: Ports,
  key: string,
  targets: readonly string[],
  options: Omit<RollOptions, 'target' | 'force' | 'pull' | 'carry'>,
): Promise<ServiceReport> {
  const service = await developedService(ports, key);
  const [member] = service.slots[0]?.members ?? [];
  const single = service.slots.length === 1 && member !== undefined;
  const layer = single ? await layerOf(ports, member, targets) : undefined;
  const why = layer ? await whyInPlace(ports, key, member, layer, options) : undefined;
  if (layer && why === undefined)
    return rollToImage(ports, key, member?.imageId ?? '', { ...options, carry: layer.synced });
  return restartInPlace(ports, key, why ?? 'it has several replicas, which are restarted one after the other');
}

interface Layer {
  readonly synced: readonly string[];
  readonly lost: readonly string[];
}

/** The files written into a container since its creation: the synced ones, and all others. */
async function layerOf(ports: Ports, { id }: ContainerSummary, targets: readonly string[]): Promise<Layer> {
  const changed = await ports.engine.changes(id);
  const folders = new Set(changed.flatMap(above));
  const files = changed.filter((path) => !folders.has(path) && !PASSING.test(path));
  const isSynced = (path: string): boolean =>
    targets.some((target) => path === target || path.startsWith(`${target}/`));
  return { synced: files.filter(isSynced), lost: files.filter((path) => !isSynced(path)) };
}

function above(path: string): string[] {
  const parts = path.split('/');
  return parts.slice(1, -1).map((_, at) => parts.slice(0, at + 2).join('/'));
}

async function whyInPlace(
  ports: Ports,
  key: string,
  member: ContainerSummary | undefined,
  { lost }: Layer,
  { overrides }: Pick<RollOptions, 'overrides'>,
): Promise<string | undefined> {
  const [first] = lost;
  if (first !== undefined)
    return `a new container would lose ${first}${lost.length > 1 ? ` and ${lost.length - 1} more files` : ''}`;
  if (!member) return 'it has no replica';
  const slot = { slotName: member.name, members: [member] };
  const { choice } = await prepareSlot(ports, key, slot, await listed(ports.engine), { overrides, target: FOLLOWED });
  return choice.strategy === 'stop-first' ? choice.because : undefined;
}

async function restartInPlace(ports: Ports, key: string, because: string): Promise<ServiceReport> {
  const began = ports.clock.now();
  ports.report({ kind: 'note', text: `${key}: restarted in its place, with a gap: ${because}` });
  const { slots } = await developedService(ports, key);
  let gap = 0;
  for (const { id, status } of slots.flatMap(({ members }) => members)) {
    if (status !== 'running') continue;
    const container = await ports.engine.container(id);
    if (container) await checkStart(ports, { service: key, slotName: container.name }, container);
    const stopped = ports.clock.now();
    await ports.engine.stop(id);
    await ports.engine.start(id);
    gap = Math.max(gap, ports.clock.now() - stopped);
  }
  const timings = { total: ports.clock.now() - began };
  return { service: key, outcome: 'rolled', strategy: 'restart', because, gap, timings };
}
