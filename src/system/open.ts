import type { Engine, Ports } from '../ports.ts';
import { systemClock } from './clock.ts';
import { systemHost } from './host.ts';
import { kernelLayer } from './kernel-layer.ts';
import { hostTraffic } from './traffic.ts';

/** Everything of this machine that the use cases need. */
export function openSystem(
  engine: Engine,
  env: Readonly<Record<string, string | undefined>>,
  logins: () => Promise<string[]>,
): Omit<Ports, 'engine' | 'report'> {
  const local = async (): Promise<boolean> => (await engine.facts()).local;
  return { clock: systemClock(), host: systemHost({ logins, kernel: kernelLayer(env.PATH ?? '') }), traffic: hostTraffic(local) };
}
