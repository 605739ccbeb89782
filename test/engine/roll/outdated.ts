// A running container with a newer image, and its state after rolls.
import assert from 'node:assert/strict';
import { untilHealthy, type World } from '../../lab/world.ts';
import { containerNames, openApp, retag } from '../compose-app.ts';

// With a start period: many start at once here, and a slow start must not count as a failure.
export const QUICK_APP = { from: 'httpd', health: { intervalMs: 300, startPeriodMs: 20_000 } } as const;

/** A running container with a newer image. */
export async function outdated(world: World, suffix: string) {
  const reference = world.name(`${suffix}:dev`);
  await retag(world, await world.image('app:1', QUICK_APP), reference);
  const create = { HostConfig: { RestartPolicy: { Name: 'always' } } };
  const labels = { 'swapctl.settle': '300ms', 'swapctl.drain.timeout': '1s' };
  const container = await world.container(suffix, { image: reference, labels, create });
  await untilHealthy(container);
  await retag(world, await world.image('app:2', QUICK_APP), reference);
  return world.name(suffix);
}

/** Exactly one container of a service is left, with the slot name and in good state. Resolves with its version. */
export async function assertOneIsLeft(world: World, name: string): Promise<string | undefined> {
  const names = (await containerNames(world)).filter((one) => one.startsWith(`${name}.`) || one === name);
  assert.deepEqual(names, [name]);
  const container = world.docker.getContainer(name);
  const { State, HostConfig, Config } = await container.inspect();
  assert.equal(State.Running, true, `${name} runs`);
  await untilHealthy(container);
  assert.equal(HostConfig.RestartPolicy?.Name, 'always');
  return Config.Env.find((pair) => pair.startsWith('VERSION='))?.slice('VERSION='.length);
}

export async function appOf(world: World) {
  const { app, close } = await openApp(world);
  world.after(async () => close());
  return app;
}
