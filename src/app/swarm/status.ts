import { isRejection } from '../../core/health/blame.ts';
import { SwapError } from '../../core/model/error.ts';
import type { Phase, ReplicaStatus, ServiceHistory } from '../../core/report/status.ts';
import { whyNot } from '../../core/swarm/capability.ts';
import { memoryOf, ROLE_LABEL, type SwarmMemory } from '../../core/swarm/memory.ts';
import type { SwarmService, SwarmTask } from '../../core/swarm/model.ts';
import { isWanted, taskName } from '../../core/swarm/verdict.ts';
import type { Ports } from '../../ports/ports.ts';
import { engineNow } from '../select/engine-time.ts';
import { settingsOf } from '../select/settings.ts';
import { nodeNames } from './evidence.ts';
import { imageParts } from './image.ts';
import { isKnownHeld } from './lock.ts';
import { memoryFor } from './memory.ts';

/** One line for each task of `swapctl status`; changes nothing. As many requests for all services as for one. */
export async function swarmStatus(ports: Ports, services: readonly SwarmService[]): Promise<ReplicaStatus[]> {
  if (services.length === 0) return [];
  const [only] = services;
  const [nodes, configs, tasks] = await Promise.all([
    nodeNames(ports),
    ports.swarm.configs(ROLE_LABEL),
    ports.swarm.tasks(services.length === 1 ? only?.id : undefined),
  ]);
  const now = await engineNow(ports);
  return services.flatMap((service) => {
    const memory = memoryOf(service.id, configs);
    const own = tasks.filter((task) => task.service === service.id && isWanted(task)).sort((x, y) => x.slot - y.slot);
    const look = { ports, nodes, now };
    if (own.length === 0) return [lineWithoutTask(look, service, memory)];
    return own.map((task) => statusLine(look, service, task, memory));
  });
}

interface Look {
  readonly ports: Ports;
  readonly nodes: ReadonlyMap<string, string>;
  readonly now: number;
}

function statusLine(
  { ports, nodes, now }: Look,
  service: SwarmService,
  task: SwarmTask,
  memory: SwarmMemory,
): ReplicaStatus {
  const { follows, digest } = imageParts(task.image);
  const rolled = memory.history?.entries.find(({ event }) => event !== 'started');
  const runs = task.state === 'running';
  return {
    service: service.name,
    container: taskName(service.name, task, nodes),
    id: task.id.slice(0, 12),
    image: follows,
    digest: digest ?? '',
    startedAt: runs ? new Date(task.at).toISOString() : undefined,
    ageMs: now - (runs ? task.at : task.createdAt),
    health: healthWord(service, task),
    phase: phaseOf(ports, service, task, memory),
    strategy: strategyOf(ports, service),
    lastRoll: rolled?.at,
    lastRollAgeMs: rolled ? now - Date.parse(rolled.at) : undefined,
    failedImages: memory.failures.filter(({ note }) => isRejection(note)).length,
  };
}

// A service with scale 0, or without a place, still gets a line.
function lineWithoutTask(look: Look, service: SwarmService, memory: SwarmMemory): ReplicaStatus {
  const { id, image, createdAt, name } = service;
  const none = { id, image, createdAt, node: undefined, slot: 0, service: id, at: createdAt, error: '' };
  const task = { ...none, state: 'new', desired: 'running', exitCode: undefined, container: undefined } as const;
  return { ...statusLine(look, service, task, memory), container: name, health: 'no task', phase: 'stopped' };
}

// A task with a HEALTHCHECK is running only while it is healthy; only its node knows if an image has one.
function healthWord({ health }: SwarmService, { state }: SwarmTask): string {
  if (state !== 'running') return state;
  if (!health?.Test?.length) return 'unknown';
  return health.Test[0] === 'NONE' ? 'no check' : 'healthy';
}

function phaseOf(ports: Ports, { update }: SwarmService, { state }: SwarmTask, { lock }: SwarmMemory): Phase {
  if (lock) return isKnownHeld(ports, lock) === false ? 'interrupted' : 'rolling';
  if (update?.state === 'updating' || update?.state === 'rollback_started') return 'rolling';
  return state === 'running' ? 'serving' : 'starting';
}

function strategyOf(ports: Ports, service: SwarmService): string {
  try {
    const policy = settingsOf(ports, service.name, service.labels);
    const why = whyNot(service, policy, false);
    return why?.code === 'refused' ? why.message : service.updateConfig.order;
  } catch (error) {
    if (error instanceof SwapError) return 'bad setting';
    throw error;
  }
}

/** The images that a service ran, newest first, with the failed ones. */
export async function swarmHistory(ports: Ports, service: SwarmService): Promise<ServiceHistory> {
  const { history, failures } = await memoryFor(ports, service.id);
  const { follows, digest } = imageParts(service.image);
  const at = new Date(service.updatedAt).toISOString();
  const now = { at, follows, id: digest ?? follows, digest, event: 'started' as const };
  const known = history?.entries ?? [];
  const entries = known[0]?.id === now.id ? known : [now, ...known];
  return {
    service: service.name,
    entries: entries.map((entry, place) => ({
      ...entry,
      available: entry.digest !== undefined,
      ...(place === 0 ? { current: true as const, status: 'running' as const } : { current: false as const }),
    })),
    backups: [],
    failures: failures.map(({ config, at: when, image, digest: failed, note }) => ({
      ...note,
      at: when,
      image,
      digest: failed,
      config: config.name,
    })),
  };
}
