import type { ContainerSummary } from '../core/container.ts';
import { EngineError } from '../core/engine-error.ts';
import { SwapError } from '../core/error.ts';
import type { ReportedError, ServiceReport } from '../core/report.ts';
import type { Service } from '../core/service.ts';
import type { Ports } from '../ports.ts';
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
  const all = await ports.engine.list();
  const recovered = await recoverService(ports, find(all), all, options.signal);
  const now = recovered ? await ports.engine.list() : all;
  return rollService(ports, find(now), now, options);
}

/** A failed service is a result, not a crash: the others go on, and each has its report. */
export async function reported(service: string, work: () => Promise<ServiceReport>): Promise<ServiceReport> {
  try {
    return await work();
  } catch (raised) {
    return { service, outcome: 'failed', timings: { total: 0 }, error: reportedError(raised) };
  }
}

/** What was raised, as a report tells it. Raises what is no error of swapctl's or the engine's. */
export function reportedError(raised: unknown): ReportedError {
  const { code, message, hint } = asSwapError(raised);
  return { code, message, ...(hint ? { hint } : {}) };
}

// Once a slot is being swapped its own report tells; what arrives here was refused before anything was touched.
function asSwapError(raised: unknown): SwapError {
  if (raised instanceof SwapError) return raised;
  if (!(raised instanceof EngineError)) throw raised;
  return new SwapError('engine-unreachable', raised.message, {
    hint: 'nothing was touched; swapctl doctor says more',
    cause: raised,
  });
}
