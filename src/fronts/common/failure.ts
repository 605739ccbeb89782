import { EngineError } from '../../core/model/engine-error.ts';
import { type ErrorCode, exitStatus, SwapError } from '../../core/model/error.ts';
import type { ReportedError } from '../../core/report/reported-error.ts';

// First the errors that need a user, then failures, then the errors that touched nothing: out of reach, busy, wrong usage.
const GRAVITY = [3, 1, 5, 4, 2];

/** The gravest of several exit statuses: 3, then 1, 5, 4, 2, and 0 only if there is no other. */
export function gravest(statuses: readonly number[]): number {
  return GRAVITY.find((status) => statuses.includes(status)) ?? 0;
}

/** The exit status for all errors in some results. */
export function statusOfErrors(errors: readonly (ReportedError | undefined)[]): number {
  return gravest(errors.flatMap((error) => (error ? [exitStatus(error.code)] : [])));
}

/** Converts an error of the engine to one that states the present situation. */
export function explained(error: unknown, changes: boolean): unknown {
  if (!(error instanceof EngineError)) return error;
  const code: ErrorCode = changes ? 'attention' : error.status === 0 ? 'engine-unreachable' : 'step-failed';
  const hint = changes ? 'swapctl recover finishes or undoes the roll' : 'swapctl doctor says more';
  return new SwapError(code, `the engine refused: ${error.message}`, { hint, cause: error });
}

/** A hint for a mistake in the use of a command. */
export function seeHelp(command: string): string {
  return `see ${command} --help`;
}
