import { EngineError } from '../../core/model/engine-error.ts';
import { messageOf, SwapError } from '../../core/model/error.ts';
import type { ServiceReport } from '../../core/report/report.ts';
import type { ReportedError } from '../../core/report/reported-error.ts';
import { toReported } from '../../core/report/reported-error.ts';

/** A failed service is a result, not a crash: the others go on, and each has its report. */
export async function reported(service: string, work: () => Promise<ServiceReport>): Promise<ServiceReport> {
  try {
    return await work();
  } catch (raised) {
    return { service, outcome: 'failed', timings: { total: 0 }, error: reportedError(raised) };
  }
}

/** Any raised value, as data for a report. */
export function reportedError(raised: unknown): ReportedError {
  return toReported(asSwapError(raised));
}

// A roll that has begun reports its own errors; an error that arrives here was raised before the first change.
function asSwapError(raised: unknown): SwapError {
  if (raised instanceof SwapError) return raised;
  if (!(raised instanceof EngineError))
    return new SwapError('attention', `unexpected: ${messageOf(raised)}`, {
      hint: 'swapctl status shows the state now, swapctl recover finishes or undoes an interrupted roll; please report this error',
      cause: raised,
    });
  return new SwapError('engine-unreachable', raised.message, {
    hint: 'run swapctl doctor, which checks the connection to the engine',
    cause: raised,
  });
}
