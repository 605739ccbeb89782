import type { KernelLayer } from '../../core/traffic/kernel-layer.ts';
import type { Ports } from '../../ports/ports.ts';
import { kernelLayer } from '../traffic/kernel-layer.ts';

const KEPT = new WeakMap<object, { readonly layer: KernelLayer; readonly until: number }>();
// Each trial starts nft several times.
const KEPT_MS = 20_000;

/** The kernel layer, as tried within the last 20 s: programs and rights of this machine hardly change. For statuses only. */
export async function keptLayer(ports: Ports): Promise<KernelLayer> {
  const { engine, clock } = ports;
  const kept = KEPT.get(engine);
  if (kept && kept.until > clock.now()) return kept.layer;
  const layer = await kernelLayer(ports);
  KEPT.set(engine, { layer, until: clock.now() + KEPT_MS });
  return layer;
}
