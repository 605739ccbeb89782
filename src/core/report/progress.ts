import type { ErrorCode } from '../model/error.ts';
import type { Strategy } from '../model/strategy.ts';
import type { Desired, Observed } from '../rollout/observed.ts';
import type { Decision } from '../rollout/plan.ts';
import type { Step } from '../rollout/step.ts';
import type { RollPhase } from './phase.ts';
import type { RecoveredItem } from './status.ts';

/** One call that left this process, without bodies, queries and logins. */
export interface Call {
  readonly to: 'engine' | 'registry' | 'program' | 'server';
  readonly what: string;
  readonly status: string;
  readonly ms: number;
}

/** Shows one call as a line of a trace. */
export function callText({ to, what, status, ms }: Call): string {
  return `${to}: ${what}: ${status}, ${Math.round(ms)} ms`;
}

/** Progress events, as they happen: for a spinner, plain lines or a log. */
export type Progress =
  | { readonly kind: 'resolving'; readonly reference: string }
  | {
      readonly kind: 'pulling';
      readonly reference: string;
      readonly done: number;
      readonly layers: number;
      readonly bytes: number;
      readonly total: number;
    }
  | { readonly kind: 'pulled'; readonly reference: string; readonly ms: number }
  /** The output of a builder, as it comes; `what` names the build. */
  | { readonly kind: 'building'; readonly what: string; readonly line: string }
  | { readonly kind: 'built'; readonly what: string; readonly ms: number }
  /** `log`: the last lines of the step that failed. */
  | { readonly kind: 'build-failed'; readonly what: string; readonly message: string; readonly log: readonly string[] }
  | { readonly kind: 'slot'; readonly slot: string; readonly strategy: string; readonly because: string }
  /** `phase`: the phase that the step belongs to; undefined before the first phase. */
  | {
      readonly kind: 'step';
      readonly slot: string;
      readonly step: Step;
      readonly strategy: Strategy;
      readonly phase: RollPhase | undefined;
      /** The containers of the slot before the step, in words. */
      readonly seen?: string;
      /** The reason of a step that undoes the roll. */
      readonly because?: string;
      /** True: new connections already go to the candidate, so a request no longer undoes the roll. */
      readonly switched?: boolean;
    }
  | { readonly kind: 'done'; readonly slot: string; readonly step: Step; readonly ms: number }
  /** The last step of the slot is done; `error`: why the slot does not run the desired image. */
  | { readonly kind: 'end'; readonly slot: string; readonly error?: ErrorCode | undefined }
  /** The condition that the current step waits for, and its limit. */
  | { readonly kind: 'waiting'; readonly slot: string; readonly what: string }
  | { readonly kind: 'probe'; readonly slot: string; readonly container: string; readonly output: string }
  | {
      readonly kind: 'evidence';
      readonly slot: string;
      readonly container: string;
      readonly health: readonly string[];
      readonly log: readonly string[];
    }
  /** `recovered`: the service whose interrupted roll an update has just finished or undone. */
  | {
      readonly kind: 'note';
      readonly text: string;
      readonly recovered?: { readonly service: string; readonly outcome: RecoveredItem['outcome'] };
    }
  | { readonly kind: 'debug'; readonly text: string }
  /** A registry was asked; `remaining`: the pulls that it still permits, if it says so. */
  | {
      readonly kind: 'asked';
      readonly registry: string;
      readonly outcome: 'answered' | 'refused' | 'failed';
      readonly ms: number;
      readonly remaining?: number;
    }
  /** Only with a trace. */
  | ({ readonly kind: 'call' } & Call)
  /** An entry of the decision log of a job elsewhere, in words. */
  | { readonly kind: 'logged'; readonly text: string }
  /** A decision of the planner, and the snapshot that it is based on. */
  | {
      readonly kind: 'decision';
      readonly slot: string;
      readonly desired: Desired;
      readonly seen: Observed;
      readonly decision: Decision;
    };
