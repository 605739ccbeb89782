// The scenarios of rolls: the setup, the command, and the undisturbed result.
import assert from 'node:assert/strict';
import { swapctl } from '../lab/cli.ts';
import type { ComposeProject } from '../lab/compose.ts';
import { drivenProxy, type Kind } from '../lab/driven-proxies.ts';
import { eventually } from '../lab/waiting.ts';
import type { World } from '../lab/world.ts';
import {
  type Asked,
  type Built,
  composed,
  copying,
  data,
  image,
  looseCopy,
  type Place,
  point,
  remembered,
  serve,
  start,
  suffixOf,
  TIMES,
  told,
} from './services.ts';
import { answering, type Subject, specOf } from './subject.ts';

export interface Scenario {
  about: string;
  /** True: there is a moment without an answer. */
  gap: boolean;
  /** The version that answers in the end. */
  ends: '1' | '2';
  /** True: it leaves, or may leave, a volume that records an image. */
  memories: boolean;
  /** Why it can't be set up here. */
  skip?: string | false;
  /** Makes the containers of version 1. */
  build(place: Place): Promise<Built>;
  /** The killed command of swapctl. */
  command: 'roll' | 'rollback';
}

function behind(kind: Kind): Scenario {
  return {
    about: `${kind} in front is told`,
    gap: false,
    ends: '2',
    memories: false,
    command: 'roll',
    skip: drivenProxy(kind).skip,
    build: (place) => told(place, kind),
  };
}

export const SCENARIOS = {
  'start-first': {
    about: 'nothing exclusive; an earlier image failed',
    gap: false,
    ends: '2',
    memories: true,
    command: 'roll',
    build: async (place) => {
      await remembered(place);
      // A signal that every program ignores.
      const labels = { 'swapctl.on-switch': `signal CONT ${place.name}` };
      return serve(place, { strategy: 'start-first', labels });
    },
  },
  canary: {
    about: 'a share of the new connections first',
    gap: false,
    ends: '2',
    memories: false,
    command: 'roll',
    build: (place) => serve(place, { strategy: 'start-first', labels: { 'swapctl.canary': '20% for 2s' } }),
  },
  proxied: {
    about: 'a proxy finds it by its labels, so that the verdict of the engine counts',
    gap: false,
    ends: '2',
    memories: false,
    command: 'roll',
    build: async (place) => {
      const labels = { 'swapctl.health.engine': 'true' };
      return serve(place, { strategy: 'start-first', labels, checked: true });
    },
  },
  told: {
    about: 'HAProxy in front is told',
    gap: false,
    ends: '2',
    memories: false,
    command: 'roll',
    build: told,
  },
  'told, nginx': behind('nginx'),
  'told, caddy': behind('caddy'),
  'told, caddy by file': behind('caddy by file'),
  'told, traefik': behind('traefik'),
  'stop-first': {
    about: 'writes to a volume, so no rehearsal',
    gap: true,
    ends: '2',
    memories: false,
    command: 'roll',
    build: async (place) => serve(place, { strategy: 'stop-first', host: { Binds: [await data(place)] } }),
  },
  rehearsed: {
    about: 'stop-first after a rehearsal',
    gap: true,
    ends: '2',
    memories: false,
    command: 'roll',
    build: (place) => {
      // Long enough to be a step of its own, also on a busy machine: a rehearsal settles as soon as it is healthy.
      const labels = { 'swapctl.settle': '2s' };
      return serve(place, { strategy: 'stop-first', published: true, labels });
    },
  },
  handover: {
    about: 'a published port',
    gap: false,
    ends: '2',
    memories: false,
    command: 'roll',
    build: (place) => serve(place, { strategy: 'handover', published: true }),
  },
  rollback: {
    about: 'back to the image before',
    gap: false,
    ends: '1',
    memories: true,
    command: 'rollback',
    build: async (place) => {
      const { world, name } = place;
      const built = await serve(place, { strategy: 'start-first' });
      await point(place, '2', 'live');
      const { code, stderr } = await swapctl(rollArgs(name), { env: world.env, netns: world.netns });
      assert.equal(code, 0, stderr);
      return built;
    },
  },
  compose: {
    about: 'a service of a compose project, with a config of inline content',
    gap: false,
    ends: '2',
    memories: false,
    command: 'roll',
    build: (place) => composed(place, 1),
  },
  scaled: {
    about: 'two replicas of a compose service',
    gap: false,
    ends: '2',
    memories: false,
    command: 'roll',
    build: (place) => composed(place, 2),
  },
  dependents: {
    about: 'another container lives in its network',
    gap: false,
    ends: '2',
    memories: false,
    command: 'roll',
    build: async (place) => {
      const { world, name } = place;
      const built = await serve(place, { strategy: 'start-first' });
      const mate = `${name}-mate`;
      const host = { NetworkMode: `container:${name}` };
      // Another port of the same address, and no check of its own.
      const labels = { 'swapctl.strategy': 'stop-first', ...TIMES };
      await start(world, name, mate, { labels, host, env: { PORT: 8081 } });
      return { ...built, slots: [...built.slots, mate] };
    },
  },
  'bad image': {
    about: 'stop-first, and the new image exits',
    gap: true,
    ends: '1',
    memories: true,
    command: 'roll',
    build: async (place) => {
      const built = await serve(place, { strategy: 'stop-first', host: { Binds: [await data(place)] } });
      await image(place, '2', ['sh', '-c', 'exit 3']);
      return built;
    },
  },
  copied: {
    about: 'stop-first, its volume is copied before the change, and an earlier copy is left',
    gap: true,
    ends: '2',
    memories: false,
    command: 'roll',
    build: async (place) => {
      await looseCopy(place);
      return serve(place, await copying(place));
    },
  },
  'copied, bad image': {
    about: 'the same, and the new image exits',
    gap: true,
    ends: '1',
    memories: true,
    command: 'roll',
    build: async (place) => {
      const built = await serve(place, await copying(place));
      await image(place, '2', ['sh', '-c', 'echo bad > /data/bad; exit 3']);
      return built;
    },
  },
  '--rm': {
    about: 'stop-first of a container that is removed on its exit',
    gap: true,
    ends: '2',
    memories: false,
    command: 'roll',
    build: async (place) => {
      const host = { Binds: [await data(place)], AutoRemove: true, RestartPolicy: { Name: 'no' } };
      return serve(place, { strategy: 'stop-first', host });
    },
  },
} satisfies Record<string, Scenario>;

export type ScenarioName = keyof typeof SCENARIOS;
export const ALL_WAYS = Object.keys(SCENARIOS) as ScenarioName[];
/** Those that can be set up here. */
export const SCENARIO_NAMES = ALL_WAYS.filter((name) => !skipOf(name));

/** Why a way can't be set up here. */
export function skipOf(name: ScenarioName): string | false {
  const { skip = false }: Scenario = SCENARIOS[name];
  return skip;
}

/** The ways without those that differ from `told` only by the proxy, which take long. */
export const SHORT_WAYS = SCENARIO_NAMES.filter((name) => !name.startsWith('told, '));

/** True: the new image is refused. */
export function hasBadImage(scenario: ScenarioName): boolean {
  const { ends, command }: Scenario = SCENARIOS[scenario];
  return ends === '1' && command === 'roll';
}

export type Prepared = Subject & { project: ComposeProject | undefined };

let count = 0;

/** A running service of that scenario, and a newer image under its reference. */
export async function prepare(world: World, scenarioName: ScenarioName, asked: Asked = 'by http'): Promise<Prepared> {
  const scenario: Scenario = SCENARIOS[scenarioName];
  const name = world.name(`k${++count}`);
  const place = { world, name, asked };
  await world.network(suffixOf(world, name));
  for (const version of ['1', '2']) await image(place, version);
  await point(place, '1', 'live');
  const { project, ...built } = await scenario.build(place);
  const subject = { world, name, ...built, specs: {} };
  const first = scenario.command === 'rollback' ? '2' : '1';
  await eventually('it answers', async () => (await answering(subject)) === first);
  const specs = Object.fromEntries(
    await Promise.all(built.slots.map(async (slot) => [slot, await specOf(world, slot)])),
  );
  // As a user's build does.
  if (scenario.command === 'roll') for (const tag of ['live', 'newest']) await point(place, '2', tag);
  return { ...subject, specs, project };
}

/** The command line of the scenario, or of the next roll after it. */
export function commandOf(scenarioName: ScenarioName, { service }: Subject): string[] {
  const scenario: Scenario = SCENARIOS[scenarioName];
  return scenario.command === 'rollback' ? ['rollback', service, ...SHOWN] : rollArgs(service);
}

export function rollArgs(service: string): string[] {
  return ['roll', service, '--pull', 'never', ...SHOWN];
}

const SHOWN = ['--json', '--verbose'];
