// swapctl's Swarm use cases over a Swarm in memory: processes that die at any call, and others that continue.
import type { App } from '../../../src/app/app.ts';
import { withSwarm } from '../../../src/app/with-swarm.ts';
import { EngineError } from '../../../src/core/model/engine-error.ts';
import type { Progress } from '../../../src/core/report/progress.ts';
import { NO_CONFIG } from '../../../src/core/settings/config.ts';
import type { Ports } from '../../../src/ports/ports.ts';
import { sha256 } from '../../lab/sha256.ts';
import { type VirtualClock, virtualClock } from '../../memory/clock.ts';
import { type MemorySwarm, memorySwarm } from '../../memory/swarm.ts';

export const OLD = `registry.test/app:stable@sha256:${'a'.repeat(64)}`;
export const NEW = `registry.test/app:stable@sha256:${'b'.repeat(64)}`;

export interface Process {
  readonly app: App;
  readonly progress: Progress[];
  /** Its calls of the Swarm, by name. */
  readonly calls: string[];
  /** Its requests to registries. */
  readonly asked: string[];
  /** Others take it for dead, although it lives. */
  suspend(): void;
  /** From the next call on its manager does not answer, until it does again. */
  loseManager(lost: boolean): void;
  goOn(): void;
  /** Runs a task, and dies before its nth call (from 1), or after it. */
  run<T>(
    work: (app: App) => Promise<T>,
    death?: { readonly nth: number; readonly after: boolean },
  ): Promise<T | 'died'>;
}

export interface SwarmWorld {
  readonly clock: VirtualClock;
  readonly swarm: MemorySwarm;
  /** `runsIn`: the service of which it is a task. */
  process(options?: { readonly runsIn?: string }): Process;
}

export function swarmWorld(): SwarmWorld {
  const clock = virtualClock(Date.UTC(2026, 0, 1));
  const swarm = memorySwarm(clock);
  const living = new Set<string>();
  let count = 0;
  return { clock, swarm, process: ({ runsIn } = {}) => process(clock, swarm, living, ++count, runsIn) };
}

// The use cases of an engine that has no containers.
const WITHOUT_CONTAINERS: Partial<App> = {
  update: async () => ({ checked: '', services: [] }),
  recover: async () => [],
  held: { containers: async () => [], interrupted: async () => [] } as unknown as App['held'],
};

const never = (): Promise<never> => new Promise(() => {});

function process(
  clock: VirtualClock,
  swarm: MemorySwarm,
  living: Set<string>,
  number: number,
  runsIn?: string,
): Process {
  const holder = `process ${number}`;
  living.add(holder);
  const calls: string[] = [];
  const asked: string[] = [];
  const progress: Progress[] = [];
  let death: { readonly nth: number; readonly after: boolean } | undefined;
  let dead = false;
  let lost = false;
  let died: () => void = () => {};
  const die = (): Promise<never> => {
    dead = true;
    living.delete(holder);
    died();
    return never();
  };
  const through = (name: string, call: (...args: never[]) => Promise<unknown>) => {
    return async (...args: never[]): Promise<unknown> => {
      if (dead) return never();
      if (lost) throw new EngineError(0, 'no Docker Engine answers');
      calls.push(name);
      const last = death?.nth === calls.length;
      if (last && !death?.after) return die();
      const answer = await call(...args);
      return last ? die() : answer;
    };
  };
  const port = Object.fromEntries(Object.entries(swarm.port).map(([name, call]) => [name, through(name, call)]));
  const ports = {
    swarm: port,
    engine: {
      facts: async () => ({ swarm: 'manager', clockOffsetMs: 0, os: 'linux', architecture: 'x86_64' }),
      list: async () => [],
      images: async () => [],
      image: async () => undefined,
      container: async () => runsIn && { config: { Labels: { 'com.docker.swarm.service.id': runsIn } } },
    },
    registry: {
      digest: async () => {
        asked.push('digest');
        return NEW.slice(NEW.indexOf('@') + 1);
      },
      image: async () => {
        asked.push('image');
        return { manifestDigest: 'm', configDigest: 'c', created: clock.now() };
      },
    },
    clock: {
      now: clock.now,
      monotonic: clock.now,
      sleep: async (ms: number, signal?: AbortSignal) => (dead ? never() : clock.sleep(ms, signal)),
    },
    host: {
      holder,
      containerId: runsIn && 'own',
      isAlive: (other: string) => living.has(other),
      randomId: () => `roll${number}${calls.length}`,
      sha256,
    },
    git: {},
    config: () => NO_CONFIG,
    schedules: { next: async () => undefined },
    report: (one: Progress) => void progress.push(one),
  } as unknown as Ports;
  const app = withSwarm(WITHOUT_CONTAINERS as App, ports);
  return {
    app,
    progress,
    calls,
    asked,
    loseManager: (now) => {
      lost = now;
    },
    suspend: () => void living.delete(holder),
    goOn: () => void living.add(holder),
    run: (work, at) => {
      death = at;
      const end = new Promise<'died'>((resolve) => {
        died = () => resolve('died');
      });
      return clock.run(Promise.race([work(app), end]), false);
    },
  };
}
