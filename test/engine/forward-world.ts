// A service and its neighbour in a network, and what an address of the service answers during a roll.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import type test from 'node:test';
import type Docker from 'dockerode';
import { createApp } from '../../src/app.ts';
import type { Progress } from '../../src/core/progress.ts';
import type { Step } from '../../src/core/step.ts';
import { kernelLayer } from '../../src/roll/kernel-layer.ts';
import { nft } from '../lab/host-state.ts';
import { SAFETY_NET_MS } from '../lab/waiting.ts';
import { type ContainerOptions, testWorld, untilHealthy, type World } from '../lab/world.ts';
import { openApp } from './compose-app.ts';

export const NEEDS_NFT = 'needs nft, in the network namespace of the engine';

// Long enough that a busy machine still has something of it left when it comes to look.
export const TIMES = { settle: '6s', 'drain.timeout': '1s' };

export type Env = Record<string, string | number>;

export interface Roll {
  world: World;
  name: string;
  /** Id of the container that runs before the roll. */
  old: string;
  /** The old container's address, as whoever has cached it knows it. */
  address: string;
  network: string;
  /** A container of another service in the same network. */
  neighbour: Docker.Container;
  app: ReturnType<typeof createApp>;
  /** What to do while swapctl waits in a step, by its kind and the short name of its container. */
  during: Partial<Record<string, () => Promise<void>>>;
}

/** A service and its neighbour, and swapctl on a clock that stands still while a test looks. */
export async function startRoll(
  t: test.TestContext,
  newer: Env = {},
  ports: ContainerOptions['ports'] = [],
): Promise<Roll | undefined> {
  const world = testWorld(t);
  const network = await world.network('net');
  const image = await world.image('web:live', { version: '1', health: {} });
  const web = await world.container('web', { image, network, aliases: ['web'], env: { DRAIN: 1 }, ports });
  const neighbour = await world.container('neighbour', { image, network });
  await Promise.all([untilHealthy(web), untilHealthy(neighbour)]);
  await world.image('web:live', { version: '2', health: {}, env: newer });
  let step = '';
  const { ports: real, close } = await openApp(world, (progress: Progress) => {
    if (progress.kind === 'step')
      step = `${progress.step.kind} ${nameIn(progress.step).replace(world.name('web'), 'web')}`;
  });
  world.after(async () => close());
  if (!(await kernelLayer(real)).available) {
    t.skip(NEEDS_NFT);
    return undefined;
  }
  const during: Roll['during'] = {};
  const sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
    const look = during[step];
    delete during[step];
    await (look ? look() : real.clock.sleep(ms, signal));
  };
  const app = createApp({ ...real, clock: { ...real.clock, sleep } });
  const address = await addressOf(web, network);
  return { world, name: world.name('web'), old: web.id, address, network, neighbour, app, during };
}

export const nameIn = (step: Step): string => ('name' in step ? step.name : '');

export async function addressOf(container: Docker.Container, network: string): Promise<string> {
  const address = (await container.inspect()).NetworkSettings.Networks[network]?.IPAddress;
  assert.ok(address);
  return address;
}

/** What an address answers to a container; undefined: nothing. */
export async function asked(
  by: Docker.Container,
  address: string,
): Promise<{ version: string; from: string } | undefined> {
  const { State } = await by.inspect();
  return answerOf('nsenter', [`--net=/proc/${State.Pid}/ns/net`], address);
}

/** What it answers to the engine's host. */
export function askedFromHost(world: World, address: string) {
  return world.netns === undefined
    ? answerOf('env', [], address)
    : answerOf('nsenter', [`--net=/run/netns/${world.netns}`], address);
}

export function answerOf(
  program: string,
  args: string[],
  address: string,
): { version: string; from: string } | undefined {
  const script = `fetch('http://${address}:8080/', { signal: AbortSignal.timeout(${SAFETY_NET_MS}) }).then(async (a) => console.log(await a.text()))`;
  try {
    return JSON.parse(
      execFileSync(program, [...args, process.execPath, '-e', script], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }),
    );
  } catch {
    return undefined;
  }
}

/** Our tables on the host, and in the namespace of the container that serves. */
export async function tables({ world, name, old }: Roll): Promise<string[]> {
  const { Id, State } = await world.docker.getContainer(name).inspect();
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
  const inside = execFileSync('nsenter', [`--net=/proc/${State.Pid}/ns/net`, 'nft', 'list', 'tables'], {
    encoding: 'utf8',
    env,
  });
  const ours = [old, Id].map((id) => id.slice(0, 12));
  const all = `${nft(world.netns, 'list', 'tables')}${inside}`.split('\n');
  return all.filter((line) => line.includes('swapctl-moved') && ours.some((id) => line.includes(id)));
}
