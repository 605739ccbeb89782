// The ways that are compared, each from a running old container to a running new one and none of the old.
import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { swapctl } from '../test/lab/cli.ts';
import type { World } from '../test/lab/world.ts';

export interface Subject {
  readonly world: World;
  readonly before: string;
  readonly after: string;
}

export interface Measured {
  readonly totalMs: number;
  /** From the first healthy answer of the new container to its taking over. */
  readonly readyToSwitchedMs: number;
}

/** What no tool can avoid: create, start, be ready, stop the old one. The switch is for free here. */
export async function floor({ world, before, after }: Subject): Promise<Measured> {
  const old = await started(world, 'old', before);
  const began = performance.now();
  const fresh = await world.container('new', { image: after, network: await network(world) });
  await firstAnswer(fresh);
  await old.stop();
  await old.remove();
  const totalMs = performance.now() - began;
  await fresh.remove({ force: true });
  return { totalMs, readyToSwitchedMs: 0 };
}

/** The order of operations of docker-rollout: the engine's verdict, then the old one goes. */
export async function engineVerdict({ world, before, after }: Subject): Promise<Measured> {
  const old = await started(world, 'old', before);
  const began = performance.now();
  const fresh = await world.container('new', { image: after, network: await network(world) });
  const readyAt = await firstAnswer(fresh);
  while ((await fresh.inspect()).State.Health?.Status !== 'healthy') await sleep(100);
  const switchedAt = performance.now();
  await old.stop();
  await old.remove();
  const totalMs = performance.now() - began;
  await fresh.remove({ force: true });
  return { totalMs, readyToSwitchedMs: switchedAt - readyAt };
}

/** The whole of `swapctl roll`, the start of its process included. The switch is the moment that the name changes hands. */
export async function swapctlRoll({ world, before, after }: Subject, settle: string): Promise<Measured> {
  const web = await started(world, 'web', before);
  const name = world.name('web');
  const watched = watchSwitch(world.docker, name, web.id);
  const began = performance.now();
  const { code, stderr } = await swapctl(['roll', name, '--image', after, '--settle', settle, '--json'], {
    env: world.env,
  });
  const totalMs = performance.now() - began;
  if (code !== 0) throw new Error(`the roll failed: ${stderr}`);
  const { readyAt, switchedAt } = await watched;
  await world.docker.getContainer(name).remove({ force: true });
  return { totalMs, readyToSwitchedMs: switchedAt - readyAt };
}

async function watchSwitch(
  docker: Docker,
  name: string,
  oldId: string,
): Promise<{ readyAt: number; switchedAt: number }> {
  const candidate = docker.getContainer(`${name}.swapctl-next`);
  while (
    !(await candidate.inspect().then(
      (found) => found.State.Running,
      () => false,
    ))
  )
    await sleep(10);
  const fresh = docker.getContainer((await candidate.inspect()).Id);
  const readyAt = await firstAnswer(fresh);
  for (;;) {
    const id = await docker
      .getContainer(name)
      .inspect()
      .then(
        (found) => found.Id,
        () => oldId,
      );
    if (id !== oldId) return { readyAt, switchedAt: performance.now() };
    await sleep(10);
  }
}

async function started(world: World, suffix: string, image: string): Promise<Docker.Container> {
  const container = await world.container(suffix, { image, network: await network(world) });
  await firstAnswer(container);
  return container;
}

const networks = new WeakMap<World, Promise<string>>();

function network(world: World): Promise<string> {
  const known = networks.get(world) ?? world.network('net');
  networks.set(world, known);
  return known;
}

/** When /healthz answers for the first time, asked every 10 ms at the container's own address. */
async function firstAnswer(container: Docker.Container): Promise<number> {
  const { NetworkSettings } = await container.inspect();
  const [address] = Object.values(NetworkSettings.Networks).map((endpoint) => endpoint.IPAddress);
  for (;;) {
    if (await isHealthy(address ?? '')) return performance.now();
    await sleep(10);
  }
}

// On a connection of its own: one that is kept would have to be drained.
function isHealthy(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ host, port: 8080, path: '/healthz', agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    request.on('error', () => resolve(false));
  });
}
