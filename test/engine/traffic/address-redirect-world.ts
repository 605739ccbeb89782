// A service and its neighbour in a network, and the answers at an address of the service during a roll.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import type test from 'node:test';
import { promisify } from 'node:util';
import type Docker from 'dockerode';
import { createApp } from '../../../src/app/app.ts';
import { kernelLayer } from '../../../src/app/traffic/kernel-layer.ts';
import type { Progress } from '../../../src/core/report/progress.ts';
import type { Step } from '../../../src/core/rollout/step.ts';
import type { Kernel } from '../../../src/ports/ports.ts';
import { addressRedirectTables, nft, nftIn } from '../../lab/host-state.ts';
import type { HealthOptions } from '../../lab/images.ts';
import { enter } from '../../lab/netns.ts';
import { SAFETY_NET_MS } from '../../lab/waiting.ts';
import { type ContainerOptions, testWorld, untilHealthy, type World } from '../../lab/world.ts';
import { openApp } from '../compose-app.ts';

export const NEEDS_NFT = 'needs nft, in the network namespace of the engine';

// Long enough that a busy machine can still observe it.
export const TIMES = { settle: '6s', 'drain.timeout': '1s' };

export type Env = Record<string, string | number>;

export interface Roll {
  world: World;
  name: string;
  /** Id of the container that runs before the roll. */
  old: string;
  /** The old container's address, as a client's cache has it. */
  address: string;
  network: string;
  /** A container of another service in the same network. */
  neighbour: Docker.Container;
  app: ReturnType<typeof createApp>;
  /** Actions while swapctl waits in a step, by its kind and the short name of its container. */
  during: Partial<Record<string, () => Promise<void>>>;
}

export interface RollOptions {
  /** Environment of the new image. */
  newer?: Env;
  /** Of the new image. */
  health?: HealthOptions;
  ports?: ContainerOptions['ports'];
  /** Called before each step. */
  atStep?: (kind: Step['kind']) => void;
  /** True: the redirect has lapsed: from then on it is not renewed, and takes no new connection. */
  hasLapsed?: () => boolean;
}

/** A service and its neighbour, and swapctl on a clock that stands still during a test's observations. */
export async function startRoll(
  t: test.TestContext,
  { newer = {}, health = {}, ports = [], atStep, hasLapsed = () => false }: RollOptions = {},
): Promise<Roll | undefined> {
  const world = testWorld(t);
  const network = await world.network('net');
  const image = await world.image('web:live', { version: '1', health: {} });
  const web = await world.container('web', { image, network, aliases: ['web'], env: { DRAIN: 1 }, ports });
  const neighbour = await world.container('neighbour', { image, network });
  await Promise.all([untilHealthy(web), untilHealthy(neighbour)]);
  await world.image('web:live', { version: '2', health, env: newer });
  let step = '';
  const { ports: real, close } = await openApp(world, (progress: Progress) => {
    if (progress.kind !== 'step') return;
    step = `${progress.step.kind} ${nameIn(progress.step).replace(world.name('web'), 'web')}`;
    atStep?.(progress.step.kind);
  });
  world.after(async () => close());
  if (!(await kernelLayer(real)).available) {
    t.skip(NEEDS_NFT);
    return undefined;
  }
  const during: Roll['during'] = {};
  // However long an observation takes on a busy machine, it shortens no wait of the roll.
  let lookedMs = 0;
  const sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
    const look = during[step];
    if (!look) return real.clock.sleep(ms, signal);
    delete during[step];
    const began = real.clock.monotonic();
    await look();
    lookedMs += real.clock.monotonic() - began;
  };
  const clock = {
    ...real.clock,
    sleep,
    now: () => real.clock.now() - lookedMs,
    monotonic: () => real.clock.monotonic() - lookedMs,
  };
  const kernel = lapsing(real.kernel, hasLapsed, () => lapse(world, web.id));
  const app = createApp({ ...real, kernel, clock });
  const address = await addressOf(web, network);
  return { world, name: world.name('web'), old: web.id, address, network, neighbour, app, during };
}

// A renewal in progress when the redirect lapses would restore its rules, so readers of them wait for it.
function lapsing(kernel: Kernel, hasLapsed: () => boolean, end: () => void): Kernel {
  let renewal: Promise<void> = Promise.resolve();
  let over: Promise<void> | undefined;
  return {
    ...kernel,
    redirectAddress: async (...request) => {
      if (hasLapsed()) throw new Error('the test lets no redirect be renewed');
      renewal = kernel.redirectAddress(...request);
      await renewal;
    },
    addressRedirects: async (ids) => {
      if (hasLapsed()) over ??= renewal.catch(() => {}).then(end);
      await over;
      return kernel.addressRedirects(ids);
    },
  };
}

export const nameIn = (step: Step): string => ('name' in step ? step.name : '');

export async function addressOf(container: Docker.Container, network: string): Promise<string> {
  const address = (await container.inspect()).NetworkSettings.Networks[network]?.IPAddress;
  assert.ok(address);
  return address;
}

/** The command line that runs a command in the network namespace of a container. */
export async function inside(container: Docker.Container, command: string[]): Promise<string[]> {
  const { State } = await container.inspect();
  return ['nsenter', `--net=/proc/${State.Pid}/ns/net`, ...command];
}

interface Answer {
  version: string;
  from: string;
}

/** The answer at an address to a container; undefined: none. */
export async function asked(by: Docker.Container, address: string): Promise<Answer | undefined> {
  return answerTo(await inside(by, client(address)));
}

/** What it answers to the engine's host. */
export function askedFromHost(world: World, address: string): Promise<Answer | undefined> {
  return answerTo(enter(world.netns, client(address)));
}

function client(address: string): string[] {
  return [process.execPath, '-e', `fetch('http://${address}:8080/').then(async (a) => console.log(await a.text()))`];
}

// A client that blocks this process would keep the roll in it from renewing the redirect.
async function answerTo([program = '', ...args]: string[]): Promise<Answer | undefined> {
  try {
    const { stdout } = await promisify(execFile)(program, args, { timeout: SAFETY_NET_MS });
    return JSON.parse(stdout);
  } catch {
    return undefined;
  }
}

/** Our tables on the host, and in the namespace of the serving container. */
export async function tables({ world, name, old }: Roll): Promise<string[]> {
  const { Id, State } = await world.docker.getContainer(name).inspect();
  const ours = [old, Id].map((id) => id.slice(0, 12));
  const all = `${nft(world.netns, 'list', 'tables')}${nftIn(State.Pid, 'list', 'tables')}`.split('\n');
  return all.filter((line) => line.includes('swapctl-moved') && ours.some((id) => line.includes(id)));
}

/** The kernel's work at the end of a redirect's lifetime. */
export function lapse(world: World, from: string): void {
  for (const { family, table } of addressRedirectTables(world, from))
    for (const set of ['live_ip', 'live_ip6']) nft(world.netns, 'flush', 'set', family, table, set);
}
