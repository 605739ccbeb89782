import { type Registry, type RegistryOptions, startRegistry } from '../../lab/registry.ts';
import type { World } from '../../lab/world.ts';

export const QUICK = ['--settle', '500ms', '--drain-timeout', '2s'];

export async function identity(
  world: World,
  name: string,
): Promise<{ id: string; startedAt: string; imageId: string }> {
  const { Id, State, Image } = await world.docker.getContainer(world.name(name)).inspect();
  return { id: Id, startedAt: State.StartedAt, imageId: Image };
}

export async function ownNames(world: World): Promise<string[]> {
  const all = await world.docker.listContainers({ all: true });
  return all
    .map((one) => (one.Names[0] ?? '').slice(1))
    .filter((name) => name.startsWith(world.prefix))
    .sort();
}

export async function registryFor(
  t: { after(cleanUp: () => unknown): void },
  world: World,
  options: RegistryOptions = {},
): Promise<Registry> {
  const registry = await startRegistry({ ...options, address: world.hostAddress });
  t.after(() => registry.stop());
  return registry;
}

// Images of a test's registry bear its name, not the world's, so the world's own clean-up does not find them.
export async function untag(world: World, reference: string): Promise<void> {
  for (const container of await world.docker.listContainers({ all: true })) {
    if (container.Names[0]?.startsWith(`/${world.prefix}`))
      await world.docker.getContainer(container.Id).remove({ force: true });
  }
  await world.docker
    .getImage(reference)
    .remove({ force: true })
    .catch(() => {});
}
