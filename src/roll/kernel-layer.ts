import type { Container } from '../core/container.ts';
import type { KernelLayer } from '../core/traffic.ts';
import type { Ports } from '../ports.ts';
import { leadsPortsItself } from './abilities.ts';

/** Whether the traffic of this engine's containers can be moved from here. */
export async function kernelLayer(ports: Ports): Promise<KernelLayer> {
  return kernelLayerFor(ports, await anyRunning(ports));
}

/** The same, tried on a container. */
export async function kernelLayerFor(
  { kernel, engine }: Pick<Ports, 'kernel' | 'engine'>,
  example: Container | undefined,
): Promise<KernelLayer> {
  const layer = await kernel.layer(await engine.bridges(), example);
  if (!layer.available || !leadsPortsItself(await engine.facts())) return layer;
  return { available: true, noHandover: 'Podman leads published ports in a way of its own' };
}

/** A container that runs, to try on it what is allowed. */
export async function anyRunning({ engine }: Ports): Promise<Container | undefined> {
  const running = (await engine.list()).find((container) => container.status === 'running');
  return running && engine.container(running.id);
}
