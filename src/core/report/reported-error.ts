import type { ErrorCode, ErrorState, SwapError } from '../model/error.ts';

/** An error as data, in reports, answers and documents. */
export interface ReportedError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
  /** Absent: unknown. */
  readonly state?: ErrorState;
  /** The last lines of the failed container's log. */
  readonly log?: readonly string[];
}

/** The data of an error. */
export function toReported({ code, message, hint, state, log }: SwapError): ReportedError {
  return {
    code,
    message,
    ...(hint ? { hint } : {}),
    ...(state ? { state } : {}),
    ...(log.length > 0 ? { log } : {}),
  };
}
