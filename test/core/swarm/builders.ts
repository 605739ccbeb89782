// Swarm services and tasks for tests, with defaults.
import { ownLabels } from '../../../src/core/model/own-labels.ts';
import type { SwarmService, SwarmTask } from '../../../src/core/swarm/model.ts';
import type { Seen } from '../../../src/core/swarm/verdict.ts';

export const OLD = `app:1@sha256:${'a'.repeat(64)}`;
export const NEW = `app:2@sha256:${'b'.repeat(64)}`;

export function service(of: Partial<SwarmService>): SwarmService {
  return {
    id: 'service1',
    name: 'web',
    version: 1,
    labels: ownLabels({ name: 'web', imageId: '', labels: {} }, {}),
    image: OLD,
    previousImage: undefined,
    createdAt: 0,
    updatedAt: 0,
    mode: 'replicated',
    replicas: 2,
    updateConfig: {
      order: 'start-first',
      parallelism: 1,
      delayMs: 0,
      monitorMs: 5000,
      failureAction: 'pause',
      maxFailureRatio: 0,
    },
    update: undefined,
    health: undefined,
    stopGraceMs: 10_000,
    hostPorts: [],
    ...of,
  };
}

export function task(of: Partial<SwarmTask>): SwarmTask {
  return {
    id: 'task1',
    service: 'service1',
    slot: 1,
    node: 'node1',
    image: NEW,
    state: 'running',
    desired: 'running',
    at: 200,
    createdAt: 200,
    error: '',
    exitCode: undefined,
    container: 'container1',
    ...of,
  };
}

export function seen(of: Partial<SwarmService>, tasks: readonly SwarmTask[]): Seen {
  return { service: service(of), tasks };
}
