// A service that steps of a workflow roll, and their outputs.
import type { TestContext } from 'node:test';
import type { StepResult } from '../lab/runner.ts';
import { testWorld, untilHealthy, type World } from '../lab/world.ts';

/** Inputs that spare a test the usual waits. */
export const QUICK = { settle: '300ms', 'drain-timeout': '1s' };

export async function serving(
  t: TestContext,
  labels: Record<string, string> = {},
): Promise<{ world: World; service: string }> {
  const world = testWorld(t);
  const image = await world.image('app:1', { from: 'httpd' });
  await untilHealthy(await world.container('web', { image, labels, network: await world.network('net') }));
  return { world, service: world.name('web') };
}

export const outcomes = ({ code, outputs }: StepResult) => ({ code, outcome: outputs.outcome });

/** Names of the world's containers. */
export async function namesOf(world: World): Promise<string[]> {
  const all = await world.docker.listContainers({
    all: true,
    filters: { label: [`swapctl.test.world=${world.prefix}`] },
  });
  return all.flatMap(({ Names }) => Names.map((name) => name.slice(1)));
}
