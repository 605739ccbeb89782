// A made-up engine and registry, for decisions about updates: containers, their images, and the targets of tags.

import { cronSchedules } from '../../src/adapters/host/schedules.ts';
import { dockerTarget } from '../../src/app/target/docker.ts';
import { type UpdateOptions, updateServices } from '../../src/app/update/update.ts';
import type { Container, Image, ImageSummary, ListedContainer } from '../../src/core/model/container.ts';
import { SwapError } from '../../src/core/model/error.ts';
import { canonical } from '../../src/core/model/reference.ts';
import type { Volume } from '../../src/core/model/volume.ts';
import type { ServiceReport } from '../../src/core/report/report.ts';
import { encodeState, type FailureNote } from '../../src/core/service/labels.ts';
import { failureName } from '../../src/core/service/names.ts';
import type { Service } from '../../src/core/service/service.ts';
import { NO_CONFIG } from '../../src/core/settings/config.ts';
import type { CheckedTarget } from '../../src/core/update/roll-target.ts';
import type { UpdateReport } from '../../src/core/update/update.ts';
import type { Ports } from '../../src/ports/ports.ts';
import type { Registry } from '../../src/ports/registry.ts';

/** A digest of one letter. */
export const digest = (letter: string): string => `sha256:${letter.repeat(64).slice(0, 64)}`;

export const OLD = digest('a');
export const NEW = digest('b');
/** The instant at which a made-up world begins. */
export const START = Date.parse('2026-03-02T12:00:00Z');

const ROUTE = { kind: 'unix', path: '/var/run/docker.sock' };

export interface MadeUp {
  /** Milliseconds since the epoch. */
  now: number;
  containers: ListedContainer[];
  volumes: Volume[];
  /** The targets of tags in the registry, by reference; an error is raised. */
  tags: Map<string, string>;
  /** The commit of every branch; raises if undefined. */
  commit: string | undefined;
  /** The targets of tags on the engine, by reference: local builds. The running images have `app:1`, too. */
  here: Map<string, string>;
  /** Build times of images, by digest. */
  created: Map<string, number>;
  config: ReturnType<Ports['config']>;
  /** The requests to the registry. */
  asked: string[];
  /** Set: every request to the registry, or the engine, raises this. */
  registryAway: SwapError | undefined;
  engineAway: Error | undefined;
  ports: Ports;
  /** A running container of `app:1` with its own labels. */
  add(name: string, labels?: Record<string, string>, more?: Partial<ListedContainer>): void;
  /** Parts of a container's HostConfig, by its name. */
  hosts: Map<string, object>;
  /** The same of its Config. */
  configs: Map<string, object>;
  /** Records a failed image in a slot, as a roll does; `how`: a failure other than being unhealthy once. */
  fail(name: string, image: string, how?: Partial<FailureNote>): void;
  /** Simulates a successful roll, as far as a check can see. */
  becomes(name: string, image: string): void;
}

export function madeUp(): MadeUp {
  const world: MadeUp = {
    now: START,
    containers: [],
    volumes: [],
    tags: new Map([['app:1', NEW]]),
    commit: undefined,
    here: new Map(),
    created: new Map(),
    hosts: new Map(),
    configs: new Map(),
    config: NO_CONFIG,
    asked: [],
    registryAway: undefined,
    engineAway: undefined,
    ports: {} as Ports,
    add: (name, labels = {}, more = {}) => {
      const id = `id-${name}`;
      const base = {
        id,
        name,
        status: 'running',
        image: 'app:1',
        imageId: OLD,
        labels,
        addresses: [],
        networks: [],
        readsEngine: false,
        networkOf: undefined,
      } as const;
      world.containers.push({ ...base, ...more });
    },
    fail: (name, image, how = {}) => {
      const failure = { code: 'not-healthy', reason: 'it ended', health: [], log: [], ...how } as const;
      const roll = `r${world.volumes.length}`;
      const state = {
        role: 'failed',
        service: name,
        slot: name,
        roll,
        at: iso(world.now),
        image,
        digest: image,
      } as const;
      world.volumes.push({ name: failureName(name, roll), labels: encodeState({ ...state, failure }) });
    },
    becomes: (name, image) => {
      world.containers = world.containers.map((one) => (one.name === name ? rolled(one, image, world.now) : one));
    },
  };
  world.ports = portsOf(world);
  return world;
}

function rolled(one: ListedContainer, image: string, now: number): ListedContainer {
  const history = [{ at: iso(now), follows: one.image, id: image, digest: image, event: 'rolled' }] as const;
  const { name } = one;
  const state = encodeState({ role: 'replica', service: name, slot: name, image, digest: image, history });
  return { ...one, imageId: image, labels: { ...one.labels, ...state } };
}

function portsOf(world: MadeUp): Ports {
  const answer = async <T>(question: string, value: T | undefined): Promise<T> => {
    world.asked.push(question);
    if (world.registryAway) throw world.registryAway;
    if (value === undefined) throw new SwapError('no-such-image', `there is no ${question}`);
    return value;
  };
  const registry: Registry = {
    digest: ({ text }) => answer(`HEAD ${text}`, world.tags.get(text)),
    image: (reference) => {
      const remote = reference.digest ?? '';
      return answer(`GET ${canonical(reference)}`, {
        manifestDigest: remote,
        configDigest: remote,
        created: world.created.get(remote),
      });
    },
    tags: async () => [],
    close: () => {},
  };
  const away = new SwapError('source-unreachable', 'no such repository');
  const git: Pick<Ports['git'], 'head'> = {
    head: async ({ url }) => {
      world.asked.push(`head ${url}`);
      return world.commit ?? Promise.reject(away);
    },
  };
  const there = async <T>(value: () => T): Promise<T> => {
    if (world.engineAway) throw world.engineAway;
    return value();
  };
  const engine = {
    list: () => there(() => world.containers),
    images: () => there(() => imagesOf(world)),
    volumes: () => there(() => world.volumes),
    container: (id: string) =>
      there(() =>
        inspected(
          world,
          world.containers.find((one) => one.id === id || one.name === id),
        ),
      ),
    image: (id: string) => there(() => ({ id, tags: [], digests: [], os: 'linux', config: {} }) as unknown as Image),
    facts: () =>
      there(() => ({ os: 'linux', architecture: 'x86_64', imageStore: 'classic', clockOffsetMs: 0, route: ROUTE })),
    bridges: () => there(() => []),
  };
  const kernel = { layer: async () => ({ available: false, because: 'made up' }) };
  return {
    engine,
    registry,
    git,
    kernel,
    host: { containerId: undefined, isAlive: () => true },
    clock: { now: () => world.now, sleep: async () => {} },
    schedules: cronSchedules(),
    config: () => world.config,
    report: () => {},
  } as unknown as Ports;
}

function imagesOf({ containers, here }: MadeUp): ImageSummary[] {
  const built = [...here.values()];
  const pulled = containers.map(({ imageId }) => imageId).filter((id) => !built.includes(id));
  return [...new Set(pulled)]
    .map((id) => image(id, here.has('app:1') ? [] : ['app:1'], [`app@${id}`]))
    .concat(
      [...new Set(built)].map((id) =>
        image(
          id,
          [...here.keys()].filter((name) => here.get(name) === id),
          [],
        ),
      ),
    );
}

function image(id: string, tags: string[], digests: string[]): ImageSummary {
  return { id, tags, digests, labels: {}, createdAt: undefined };
}

function inspected({ hosts, configs }: MadeUp, one: ListedContainer | undefined): Container | undefined {
  return (
    one &&
    ({
      ...one,
      config: { Image: one.image, Labels: one.labels, ...configs.get(one.name) },
      createdAt: START,
      host: hosts.get(one.name) ?? {},
      networks: {},
      mounts: [],
      published: [],
    } as unknown as Container)
  );
}

function iso(at: number): string {
  return new Date(at).toISOString();
}

export type RollAs = (
  name: string,
  found: CheckedTarget,
  later: readonly string[],
) => Promise<Partial<ServiceReport> | undefined>;

/** Runs updates of a made-up world. A roll succeeds, unless `roll` answers otherwise. */
export async function update(
  world: MadeUp,
  options: Partial<UpdateOptions> = {},
  roll: RollAs = async () => undefined,
): Promise<{ report: UpdateReport; rolls: string[]; backs: string[]; lines: Record<string, string> }> {
  const rolls: string[] = [];
  const backs: string[] = [];
  const report = await updateServices(
    world.ports,
    dockerTarget,
    {
      selectors: [],
      all: false,
      dryRun: false,
      absent: false,
      only: undefined,
      overrides: {},
      firstSeen: undefined,
      signal: new AbortController().signal,
      ...options,
    },
    {
      roll: async (_, service, found, later) => {
        rolls.push(service.key);
        return rollOf(world, service, found, await roll(service.key, found, later));
      },
      back: async (_, service, image) => {
        backs.push(`${service.key} to ${image}`);
        return { service: service.key, outcome: 'rolled-back', timings: { total: 900 } };
      },
    },
  );
  const lines = Object.fromEntries(
    report.services.map(({ service, outcome, because }) => [service, `${outcome}: ${because}`]),
  );
  return { report, rolls, backs, lines };
}

function rollOf(
  world: MadeUp,
  service: Service,
  found: CheckedTarget,
  other: Partial<ServiceReport> | undefined,
): ServiceReport {
  if (!other) for (const { slotName } of service.slots) world.becomes(slotName, found.digest);
  return { service: service.key, outcome: 'rolled', strategy: 'start-first', timings: { total: 1200 }, ...other };
}
