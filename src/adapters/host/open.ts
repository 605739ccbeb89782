import type { Engine } from '../../ports/engine.ts';
import type { Ports } from '../../ports/ports.ts';
import { systemClock } from './clock.ts';
import { systemHost } from './host.ts';
import { hostTraffic, type Sockets } from './traffic.ts';

/** Everything of this machine that the use cases need. */
export function openSystem(
  engine: Engine,
  outside: Parameters<typeof systemHost>[0],
  sockets: Sockets,
): Pick<Ports, 'clock' | 'host' | 'traffic'> {
  const local = async (): Promise<boolean> => (await engine.facts()).local;
  return { clock: systemClock(), host: systemHost(outside), traffic: hostTraffic(local, sockets) };
}
