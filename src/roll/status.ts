import type { Container, ContainerSummary } from '../core/container.ts';
import { ownLabels } from '../core/container.ts';
import { SwapError } from '../core/error.ts';
import { readPolicy } from '../core/policy.ts';
import { helperRole, type Service, type Slot, whyNotRollable } from '../core/service.ts';
import type { Phase, ReplicaStatus } from '../core/status.ts';
import { chooseWay } from '../core/way.ts';
import type { Ports } from '../ports.ts';
import { failuresIn, imageOf, stateOf } from './observe.ts';
import { lockHeld } from './lease.ts';
import { freshMemory, type Memory } from './slot-run.ts';

/** One line a container for `swapctl status`; nothing is changed. */
export async function statusOf(ports: Ports, services: readonly Service[]): Promise<ReplicaStatus[]> {
  const all = await ports.engine.list();
  const memory = freshMemory();
  const lines: ReplicaStatus[] = [];
  for (const service of services) {
    const held = await lockHeld(ports, service.key);
    const perSlot = await Promise.all(service.slots.map((slot) => slotStatus(ports, memory, service, slot, all, held)));
    lines.push(...perSlot.flat());
  }
  return lines;
}

async function slotStatus(ports: Ports, memory: Memory, service: Service, slot: Slot, all: readonly ContainerSummary[], held: boolean): Promise<ReplicaStatus[]> {
  const swapping = slot.members.length > 1 || slot.members.some((member) => member.name !== slot.home) || hasRehearsal(all, slot);
  const lines = await Promise.all(
    slot.members.map(async (member) => {
      const container = await ports.engine.container(member.id);
      return container && lineOf(ports, memory, service, slot, member, container, all, swapping ? (held ? 'rolling' : 'interrupted') : undefined);
    }),
  );
  return lines.filter((line) => line !== undefined);
}

async function lineOf(
  ports: Ports,
  memory: Memory,
  service: Service,
  slot: Slot,
  member: ContainerSummary,
  container: Container,
  all: readonly ContainerSummary[],
  swapping: Phase | undefined,
): Promise<ReplicaStatus> {
  const now = ports.clock.now() + (await ports.engine.facts()).clockOffsetMs;
  const state = await stateOf({ ports, memory }, container);
  const rolled = state?.history[0];
  return {
    service: service.key,
    container: container.name,
    id: container.id.slice(0, 12),
    image: container.config.Image ?? '',
    digest: state?.digest ?? container.imageId,
    startedAt: container.startedAt > 0 ? new Date(container.startedAt).toISOString() : undefined,
    ageMs: now - (container.status === 'running' ? container.startedAt : container.createdAt),
    health: healthWord(container),
    phase: swapping ?? phaseOf(container),
    way: await wayOf(ports, memory, member, container),
    lastRoll: rolled?.at,
    lastRollAgeMs: rolled ? now - Date.parse(rolled.at) : undefined,
    failedImages: failuresIn(all, slot.home).length,
  };
}

function hasRehearsal(all: readonly ContainerSummary[], slot: Slot): boolean {
  return all.some((container) => helperRole(container) === 'rehearsal' && container.name.startsWith(`${slot.home}.`));
}

function healthWord(container: Container): string {
  if (container.status !== 'running') return container.status;
  if (container.health) return container.health.status;
  return container.config.Healthcheck?.Test?.length && container.config.Healthcheck.Test[0] !== 'NONE' ? 'unknown' : 'no check';
}

function phaseOf(container: Container): Phase {
  if (container.status === 'restarting') return 'restarting';
  if (container.status !== 'running') return 'stopped';
  if (container.health?.status === 'starting') return 'starting';
  return container.health?.status === 'unhealthy' ? 'unhealthy' : 'serving';
}

async function wayOf(ports: Ports, memory: Memory, member: ContainerSummary, container: Container): Promise<string> {
  if (whyNotRollable(member)) return '-';
  try {
    const policy = readPolicy(ownLabels(container, await imageOf({ ports, memory }, container.imageId)));
    const choice = chooseWay(container, policy);
    return choice.kind === 'way' ? choice.way : 'refused';
  } catch (error) {
    if (error instanceof SwapError) return 'bad label';
    throw error;
  }
}
