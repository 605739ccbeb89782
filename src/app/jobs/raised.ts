import { EngineError } from '../../core/model/engine-error.ts';
import { messageOf, SwapError } from '../../core/model/error.ts';
import type { ReportedError } from '../../core/report/report.ts';

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
  const { code, message, hint, log } = errorOf(raised);
  return { code, message, ...(hint ? { hint } : {}), ...(log.length > 0 ? { log } : {}) };
}
