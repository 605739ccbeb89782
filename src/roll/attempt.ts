import type { ContainerSummary } from '../core/container.ts';
import type { ServiceReport } from '../core/report.ts';
import type { Service } from '../core/service.ts';
import type { Ports } from '../ports.ts';
import { listed } from './own.ts';
import { recoverService } from './recover.ts';
import type { RollOptions } from './roll-slot.ts';
import { rollService } from './service.ts';

/** Finishes or undoes what a dead roll left of a service, then rolls it; `find` finds it among all containers. */
export async function recoverThenRoll(
  ports: Ports,
  find: (all: readonly ContainerSummary[]) => Service,
  options: RollOptions,
): Promise<ServiceReport> {
  // What is wrong in it is to be told before anything is touched.
  ports.config();
  const all = await listed(ports.engine);
  const recovered = await recoverService(ports, find(all), all, options.signal);
  const now = recovered ? await listed(ports.engine) : all;
  return rollService(ports, find(now), now, options);
}
