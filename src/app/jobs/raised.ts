import { EngineError } from '../../core/model/engine-error.ts';
import { messageOf, SwapError } from '../../core/model/error.ts';
import type { ReportedError } from '../../core/report/reported-error.ts';
import { toReported } from '../../core/report/reported-error.ts';

/** The error of a job or a request, in the form for people. */
export function errorOf(raised: unknown): SwapError {
  if (raised instanceof SwapError) return raised;
  if (raised instanceof EngineError) {
    const hint = 'swapctl doctor says more about the engine';
    return new SwapError('engine-unreachable', `the engine failed: ${raised.message}`, { hint, cause: raised });
  }
  const hint = 'please report this error; the log of swapctl serve has more';
  return new SwapError('unexpected', `unexpected: ${messageOf(raised)}`, { hint, cause: raised });
}

export function reportedErrorOf(raised: unknown): ReportedError {
  return toReported(errorOf(raised));
}
