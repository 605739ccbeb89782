import type { Progress } from './progress.ts';
import type { ServiceReport } from './report.ts';

/** The context of one call of a use case. */
export interface Call {
  /** Ends the work at its next safe point. */
  readonly signal: AbortSignal;
  /** The sink of this call's progress; without it, the sink of the process. */
  readonly progress?: ((progress: Progress) => void) | undefined;
}

/** The context in which one service is rolled. */
export interface RollCall extends Call {
  /** The id of the roll, which its labels carry; without it the roll makes one. */
  readonly roll?: string | undefined;
}

/**
 * Gives each roll of a call over several services its own context. Raises `busy`, without calling `work`, if the service is being
 * rolled already.
 */
export type PerService = (
  service: string,
  signal: AbortSignal,
  work: (call: RollCall) => Promise<ServiceReport>,
) => Promise<ServiceReport>;
