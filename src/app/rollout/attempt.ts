import type { ContainerSummary } from '../../core/model/container.ts';
import type { ServiceReport } from '../../core/report/report.ts';
import type { Service } from '../../core/service/service.ts';
import type { Ports } from '../../ports/ports.ts';
import { recoverService } from '../recovery/recover.ts';
import { listed } from '../select/own.ts';
import { rollService } from './roll-service.ts';
import type { RollOptions } from './roll-slot.ts';

/** Finishes or undoes the interrupted roll of a service, then rolls it; `find` finds it among all containers. */
export async function recoverThenRoll(
  ports: Ports,
  find: (all: readonly ContainerSummary[]) => Service,
  options: RollOptions,
): Promise<ServiceReport> {
  // Report a mistake in the configuration before the first change.
  ports.config();
  const all = await listed(ports.engine);
  const recovered = await recoverService(ports, find(all), all, options.signal);
  const now = recovered ? await listed(ports.engine) : all;
  return rollService(ports, find(now), now, options);
}
