// A Swarm in memory, behind the Swarm port: services whose tasks are replaced one at a time, as SwarmKit's updater does it.
import { EngineError } from '../../src/core/model/engine-error.ts';
import { ownLabels } from '../../src/core/model/own-labels.ts';
import type { SwarmConfig, SwarmNode, SwarmService, SwarmTask, UpdateConfig } from '../../src/core/swarm/model.ts';
import { isWanted } from '../../src/core/swarm/verdict.ts';
import type { Swarm } from '../../src/ports/swarm.ts';
import type { VirtualClock } from './clock.ts';

/** The behaviour of an image's tasks. `slow`: the time of a start. */
export type Behaviour =
  | { readonly kind: 'runs' }
  | { readonly kind: 'ends'; readonly exitCode: number; readonly afterMs?: number }
  | { readonly kind: 'starts for ever' };

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The behaviour that the Swarm in memory lacks. */
export const NOT_MODELLED = [
  'more than one task at a time, delays, failure ratios, and global mode',
  'placement, resources and nodes that go',
  'pulls and logins',
] as const;

export interface MemorySwarm {
  readonly port: Swarm;
  readonly behaviours: Map<string, Behaviour>;
  /** Creates a service with all tasks running. */
  add(name: string, given?: Partial<SwarmService>): SwarmService;
  /** Changes a service as another client of Swarm does. */
  change(name: string, change: Partial<Pick<SwarmService, 'image' | 'labels'>>): void;
  serviceOf(name: string): SwarmService;
  tasksOf(name: string): SwarmTask[];
  configs(): SwarmConfig[];
}

const START_MS = 1000;
const RESTART_MS = 5000;
const KEPT = 5;

export const DEFAULT_UPDATE: UpdateConfig = {
  order: 'start-first',
  parallelism: 1,
  delayMs: 0,
  monitorMs: 5000,
  failureAction: 'pause',
  maxFailureRatio: 0,
};

export function memorySwarm(clock: VirtualClock): MemorySwarm {
  const services = new Map<string, Mutable<SwarmService>>();
  const configs = new Map<string, Mutable<SwarmConfig>>();
  const behaviours = new Map<string, Behaviour>();
  const nodes: SwarmNode[] = [{ id: 'node1', name: 'one', ready: true, availability: 'active' }];
  let tasks: Mutable<SwarmTask>[] = [];
  let index = 10;
  let count = 0;

  const touch = (service: Mutable<SwarmService>): void => {
    service.version = ++index;
    service.updatedAt = clock.now();
  };
  const to = (task: Mutable<SwarmTask>, state: SwarmTask['state'], more: Partial<SwarmTask> = {}): void => {
    Object.assign(task, { state, at: clock.now(), ...more });
  };

  const start = (service: SwarmService, slot: number): Mutable<SwarmTask> => {
    const { image } = service;
    const task: Mutable<SwarmTask> = {
      id: `task${String(++count).padStart(20, '0')}`,
      service: service.id,
      slot,
      node: 'node1',
      image,
      state: 'starting',
      desired: 'running',
      at: clock.now(),
      createdAt: clock.now(),
      error: '',
      exitCode: undefined,
      container: `container${count}`,
    };
    tasks.push(task);
    const behaviour = behaviours.get(image) ?? { kind: 'runs' };
    if (behaviour.kind === 'starts for ever') return task;
    clock.alarm(clock.now() + START_MS, () => {
      if (!isWanted(task)) return;
      if (behaviour.kind === 'ends' && behaviour.afterMs === undefined) {
        end(service, task, behaviour.exitCode);
        return;
      }
      to(task, 'running');
      if (behaviour.kind === 'ends')
        clock.alarm(clock.now() + (behaviour.afterMs ?? 0), () => {
          if (isWanted(task)) end(service, task, behaviour.exitCode);
        });
    });
    return task;
  };

  const end = (service: SwarmService, task: Mutable<SwarmTask>, exitCode: number): void => {
    const error = exitCode === 0 ? '' : `task: non-zero exit (${exitCode})`;
    to(task, exitCode === 0 ? 'complete' : 'failed', { desired: 'shutdown', exitCode, error });
    // Its replacement uses the spec of that moment.
    clock.alarm(clock.now() + RESTART_MS, () => {
      const now = services.get(service.id);
      const taken = tasks.some((other) => other.slot === task.slot && other.service === service.id && isWanted(other));
      if (now && !taken) start(now, task.slot);
    });
    const old = tasks.filter((one) => one.service === service.id && one.slot === task.slot && !isWanted(one));
    tasks = tasks.filter((one) => !old.slice(0, -KEPT).includes(one));
  };

  const retire = (task: Mutable<SwarmTask>): void => {
    if (isWanted(task)) to(task, 'shutdown', { desired: 'shutdown' });
  };

  /** The updater: one slot after the other, each watched for the monitor period; ended by any other update. */
  const replaceAll = (service: Mutable<SwarmService>, rollback: boolean, restart = false): void => {
    const began = clock.now();
    const { version } = service;
    const mine = (): boolean => services.get(service.id) === service && service.version === version;
    const state = (name: NonNullable<SwarmService['update']>['state'], message: string): void => {
      service.update = { state: name, startedAt: clock.now(), message };
      service.updatedAt = clock.now();
    };
    const failed = (task: SwarmTask): void => {
      const why = `due to failure or early termination of task ${task.id}`;
      if (rollback) state('rollback_paused', `rollback paused ${why}`);
      else if (service.updateConfig.failureAction !== 'rollback') state('paused', `update paused ${why}`);
      else {
        service.image = service.previousImage ?? service.image;
        service.previousImage = undefined;
        touch(service);
        state('rollback_started', `update rolled back ${why}`);
        replaceAll(service, true);
      }
    };
    const next = (slot: number): void => {
      if (!mine()) return;
      if (slot > (service.replicas ?? 1)) {
        clock.alarm(clock.now() + service.updateConfig.monitorMs, () => {
          if (mine()) state(rollback ? 'rollback_completed' : 'completed', 'update completed');
        });
        return;
      }
      const dirty = tasks.filter((one) => one.service === service.id && one.slot === slot && isWanted(one));
      if (
        dirty.length > 0 &&
        dirty.every(({ image, createdAt }) => image === service.image && (!restart || createdAt > began))
      )
        next(slot + 1);
      else replace(slot, dirty);
    };
    const replace = (slot: number, dirty: readonly Mutable<SwarmTask>[]): void => {
      if (service.updateConfig.order === 'stop-first') dirty.forEach(retire);
      const task = start(service, slot);
      const watched = service.updateConfig.failureAction !== 'continue';
      const look = (until: number): void => {
        clock.alarm(clock.now() + 100, () => {
          if (!mine()) return;
          if (!isWanted(task) && watched) {
            failed(task);
            return;
          }
          if (task.state === 'starting') {
            look(until);
            return;
          }
          dirty.forEach(retire);
          const monitored = until || clock.now() + service.updateConfig.monitorMs;
          if (watched && clock.now() < monitored) look(monitored);
          else next(slot + 1);
        });
      };
      look(0);
    };
    clock.alarm(clock.now() + 100, () => {
      if (!mine()) return;
      if (!rollback) state('updating', 'update in progress');
      next(1);
    });
  };

  const update = (service: Mutable<SwarmService>, image: string, restart: boolean): void => {
    service.previousImage = service.image;
    const dirty = service.image !== image || restart;
    service.image = image;
    service.update = undefined;
    touch(service);
    if (dirty) replaceAll(service, false, restart);
  };

  const byName = (name: string): Mutable<SwarmService> =>
    [...services.values()].find((one) => one.name === name || one.id === name) ??
    refuse(404, `service ${name} not found`);
  const copy = <T>(value: T): T => structuredClone(value);

  const port: Swarm = {
    services: async () => [...services.values()].map(copy),
    service: async (id) => copy([...services.values()].find((one) => one.id === id || one.name === id)),
    tasks: async (service) => copy(tasks.filter((one) => service === undefined || one.service === service)),
    nodes: async () => copy(nodes),
    setImage: async ({ id, version }, image, restart) => {
      const service = byName(id);
      if (service.version !== version) refuse(409, 'update out of sequence');
      update(service, image, restart);
    },
    logs: async (id) =>
      tasks.find((one) => one.id === id)?.exitCode === undefined ? [] : ['cannot read the settings'],
    configs: async (label) => {
      const [key = '', value] = label.split('=');
      const all = [...configs.values()].filter(({ labels }) => key in labels && (value ?? labels[key]) === labels[key]);
      return copy(all);
    },
    createConfig: async ({ name, labels, data }) => {
      if ([...configs.values()].some((one) => one.name === name)) refuse(409, `config ${name} already exists`);
      const id = `config${String(++count).padStart(19, '0')}`;
      configs.set(id, { id, name, labels: { ...labels }, data, version: ++index, createdAt: clock.now() });
      return id;
    },
    labelConfig: async ({ id, version }, labels) => {
      const config = configs.get(id) ?? refuse(404, `config ${id} not found`);
      if (config.version !== version) refuse(409, 'update out of sequence');
      Object.assign(config, { labels: { ...labels }, version: ++index });
    },
    removeConfig: async (id) => void configs.delete(id),
  };

  return {
    port,
    behaviours,
    add: (name, given = {}) => {
      const service = { ...made(name, ++count, ++index, clock.now()), ...given };
      services.set(service.id, service);
      for (let slot = 1; slot <= (service.replicas ?? 1); slot++) to(start(service, slot), 'running');
      return copy(service);
    },
    change: (name, { image, labels }) => {
      const service = byName(name);
      if (labels) service.labels = labels;
      update(service, image ?? service.image, false);
    },
    serviceOf: (name) => copy(byName(name)),
    tasksOf: (name) => copy(tasks.filter((one) => one.service === byName(name).id)),
    configs: () => [...configs.values()].map(copy),
  };
}

function made(name: string, number: number, version: number, now: number): SwarmService {
  return {
    id: `service${String(number).padStart(18, '0')}`,
    name,
    version,
    labels: ownLabels({ name, imageId: '', labels: {} }, {}),
    image: 'registry.test/app:stable',
    previousImage: undefined,
    createdAt: now,
    updatedAt: now,
    mode: 'replicated',
    replicas: 2,
    updateConfig: DEFAULT_UPDATE,
    update: undefined,
    health: { Test: ['CMD', 'true'], Interval: 1e9, Timeout: 1e9, Retries: 3 },
    stopGraceMs: 1000,
    hostPorts: [],
  };
}

function refuse(status: number, message: string): never {
  throw new EngineError(status, message);
}
