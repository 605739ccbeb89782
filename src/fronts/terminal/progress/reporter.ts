import type { Report } from '../terminal.ts';

/** Shows progress on stderr until it is stopped. */
export interface Reporter {
  readonly report: Report;
  /** Takes what is drawn away while something else is printed, which may be on the same screen. */
  aside(print: () => void): void;
  /** Leaves the terminal as it was; results come after it. */
  stop(): void;
}

/** How much progress is wanted. */
export interface Loudness {
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly trace?: boolean;
  readonly color: boolean;
}
