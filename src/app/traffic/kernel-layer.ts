import type { Container } from '../../core/model/container.ts';
import type { KernelLayer } from '../../core/traffic/kernel-layer.ts';
import type { Ports } from '../../ports/ports.ts';
import { redirectsPortsItself } from '../select/engine-capabilities.ts';

/** The capability to move traffic of this engine's containers from here. */
export async function kernelLayer(ports: Ports): Promise<KernelLayer> {
  const told = await askRunning(ports, (example) => kernelLayerFor(ports, example));
  return told ?? kernelLayerFor(ports, undefined);
}

/** The same, with a trial on a container. */
export async function kernelLayerFor(
  { kernel, engine }: Pick<Ports, 'kernel' | 'engine'>,
  example: Container | undefined,
): Promise<KernelLayer> {
  const layer = await kernel.layer(await engine.bridges(), example);
  if (!layer.available || !redirectsPortsItself(await engine.facts())) return layer;
  return { ...layer, noHandover: 'Podman redirects published ports with rules of its own' };
}

/**
 * The result of a trial on a running container; undefined if none runs. A container that ended during the trial says nothing about the
 * others, so the next one is tried.
 */
export async function askRunning<T>(
  { engine }: Pick<Ports, 'engine'>,
  ask: (example: Container) => Promise<T>,
): Promise<T | undefined> {
  for (const { id, status } of await engine.list()) {
    const example = status === 'running' ? await engine.container(id) : undefined;
    if (example?.status !== 'running') continue;
    const answer = await ask(example);
    const now = await engine.container(id);
    if (now?.status === 'running' && now.pid === example.pid) return answer;
  }
  return undefined;
}
