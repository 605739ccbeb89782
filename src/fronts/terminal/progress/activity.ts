/** A phase, pull or build that is running, and what it waits for, if known. */
export interface Activity {
  readonly phase: string;
  readonly what: string;
  readonly began: number;
  readonly waitsFor: readonly string[];
}

/** A phase, pull or build that has ended after `ms`. */
export interface Ended {
  readonly phase: string;
  readonly what: string;
  readonly ms: number;
  readonly ok: boolean;
}
