import type { Ports } from '../../ports/ports.ts';

/** Ports with which services that go to the same image at the same time pull it once. */
export function sharingPulls(ports: Ports): Ports {
  const { engine } = ports;
  const pulls = new Map<string, Promise<void>>();
  const pull: typeof engine.pull = async (reference, onLayer, signal) => {
    const running = pulls.get(reference) ?? engine.pull(reference, onLayer, signal);
    pulls.set(reference, running);
    await running.finally(() => pulls.delete(reference));
  };
  return { ...ports, engine: { ...engine, pull } };
}
