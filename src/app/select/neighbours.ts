import type { Container, ContainerSummary } from '../../core/model/container.ts';
import { COMPOSE_HASH } from '../../core/model/label-keys.ts';
import { isTied, means, referencesOf } from '../../core/model/references.ts';
import { helperRole, slotNamesOf } from '../../core/service/ownership.ts';
import type { Ports } from '../../ports/ports.ts';

/** A container with which others may share. */
export type Owner = Pick<Container, 'id' | 'name'>;

/** A container of another slot. */
interface Other {
  /** The slot name. */
  readonly slotName: string;
  readonly isRunning: boolean;
  readonly container: Container;
}

const SCANS_AT_ONCE = 8;

/** All containers but one and swapctl's helpers. Only an inspect shows their references, so ask once per roll. */
export async function othersOf(ports: Ports, owner: Owner, all: readonly ContainerSummary[]): Promise<Other[]> {
  const others = all.filter((other) => other.id !== owner.id && helperRole(other) === undefined);
  const slotsOf = new Map([...slotNamesOf(all)].map(([{ id }, slotName]) => [id, slotName]));
  const found: Other[] = [];
  for (let at = 0; at < others.length; at += SCANS_AT_ONCE) {
    const some = others.slice(at, at + SCANS_AT_ONCE);
    const containers = await Promise.all(some.map(({ id }) => ports.engine.container(id)));
    for (const [index, container] of containers.entries()) {
      if (!container) continue;
      const isRunning = some[index]?.status === 'running';
      found.push({ slotName: slotsOf.get(container.id) ?? container.name, isRunning, container });
    }
  }
  return found;
}

/** Slot names of the running containers to re-create when one is replaced. */
export function dependentsOn(owner: Owner, others: readonly Other[]): string[] {
  return others
    .filter(({ isRunning, container }) => isRunning && isTied(container, owner))
    .map(({ slotName }) => slotName);
}

const KILLED = 137;

/**
 * Slot names of the containers that the kernel killed when one in whose PID namespace they live was stopped. `alive`: the ids of those
 * that ran when the roll began; a container that a user has stopped since ended otherwise.
 */
export function fallenWith(owner: Owner, others: readonly Other[], alive: ReadonlySet<string>): string[] {
  return others.flatMap(({ slotName, container }) => {
    const { id, status, exitCode } = container;
    if (status !== 'exited' || exitCode !== KILLED || !alive.has(id)) return [];
    return referencesOf(container).some(({ kind, to }) => kind === 'pid' && means(to, owner)) ? [slotName] : [];
  });
}

/** Which of some ids (of containers that are gone) others still name. */
export function stillNamed(ids: readonly string[], others: readonly Other[]): string[] {
  const named = others.flatMap(({ container }) => referencesOf(container));
  return ids.filter((id) => named.some(({ to }) => means(to, { id, name: id })));
}

/**
 * The note about containers that mount the volumes of one and name it, or one of its predecessors, by id: they keep the same
 * volumes, but compose hashes that id.
 */
export function mountingNote(
  owner: Owner,
  predecessors: readonly string[],
  others: readonly Other[],
): string | undefined {
  const ids = [owner.id, ...predecessors];
  const mounting = others.filter((other) => other.isRunning && !isTied(other.container, owner) && mounts(other, ids));
  if (mounting.length === 0) return undefined;
  const names = mounting.map(({ slotName }) => slotName).join(', ');
  const [one, them] = mounting.length === 1 ? ['mounts', 'it'] : ['mount', 'them'];
  const keeps = `${names} ${one} its volumes (volumes_from) and ${one === 'mounts' ? 'keeps' : 'keep'} running with them`;
  const composed = mounting.some(({ container }) => container.config.Labels?.[COMPOSE_HASH]);
  return composed ? `${keeps}; until swapctl rolls ${them}, docker compose up -d re-creates ${them}` : keeps;
}

function mounts({ container }: Other, ids: readonly string[]): boolean {
  const volumes = referencesOf(container).filter(({ kind }) => kind === 'volumes');
  return volumes.some(({ to }) => ids.some((id) => means(to, { id, name: id })));
}
