import type { Container } from '../core/container.ts';
import type { KernelLayer } from '../core/traffic.ts';
import type { Ports } from '../ports.ts';

/** Whether the traffic of this engine's containers can be moved from here. */
export async function kernelLayer(ports: Ports): Promise<KernelLayer> {
  return ports.kernel.layer(await ports.engine.bridges(), await anyRunning(ports));
}

/** A container that runs, to try on it what is allowed. */
export async function anyRunning({ engine }: Ports): Promise<Container | undefined> {
  const running = (await engine.list()).find((container) => container.status === 'running');
  return running && engine.container(running.id);
}
