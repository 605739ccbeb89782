// The contract of the Engine port on the engine under test, through the adapter that is shipped.
import type { TestContext } from 'node:test';
import { connect } from '../../../src/adapters/docker/connect/connect.ts';
import type { Endpoint } from '../../../src/adapters/docker/connect/endpoint.ts';
import { dockerEngine } from '../../../src/adapters/docker/engine/engine.ts';
import { engineContract, type ImageAsked, type Program, type Stage } from '../../contract/engine.ts';
import type { AppImageOptions } from '../../lab/images.ts';
import { startRegistry } from '../../lab/registry.ts';
import { eventually } from '../../lab/waiting.ts';
import { testWorld, type World } from '../../lab/world.ts';

const COMMANDS: Record<Program, string[]> = {
  runs: ['sh', '-c', 'trap "exit 0" TERM; echo up; while :; do sleep 0.05; done'],
  deaf: ['sh', '-c', 'trap "" TERM HUP; echo up; while :; do sleep 0.05; done'],
  reloads: ['sh', '-c', 'trap "exit 3" HUP; echo up; while :; do sleep 0.05; done'],
  ends: ['sh', '-c', 'echo one; echo two; echo three; exit 3'],
  missing: ['/no/such/program'],
};

async function open(t: TestContext): Promise<Stage> {
  const world = testWorld(t);
  const endpoint: Endpoint = { kind: 'unix', path: new URL(world.dockerHost).pathname, origin: 'a test' };
  const engine = dockerEngine(await connect(endpoint), endpoint, async () => undefined);
  t.after(() => engine.close());
  return {
    engine,
    name: (suffix) => world.name(suffix),
    image: (suffixAndTag, program, asked = {}) => world.image(suffixAndTag, optionsOf(program, asked)),
    network: (suffix) => world.network(suffix),
    pause: (id) => world.docker.getContainer(id).pause(),
    unpause: (id) => world.docker.getContainer(id).unpause(),
    until: (what, ask) => eventually(what, ask),
    now: () => Date.now(),
    pushed: (suffix) => pushed(t, world, suffix),
  };
}

function optionsOf(program: Program, { labels = {}, env = {}, volumes = [], health }: ImageAsked): AppImageOptions {
  const test = health === 'well' ? ['CMD', 'true'] : ['CMD', 'false'];
  const check = health ? { test, intervalMs: 200, retries: 2 } : (false as const);
  return { from: 'base', cmd: COMMANDS[program], labels, env, volumes: [...volumes], health: check };
}

async function pushed(t: TestContext, world: World, suffix: string): Promise<{ reference: string; digest: string }> {
  const registry = await startRegistry();
  t.after(() => registry.stop());
  const local = await world.image(`${suffix}:1`, { ...optionsOf('runs', {}), env: { V: world.prefix } });
  const { reference, digest } = await registry.push(world.docker, local, `${world.name(suffix)}:1`);
  await world.docker.getImage(local).remove({ force: true });
  return { reference, digest };
}

engineContract('the engine under test', open);
