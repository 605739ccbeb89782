import type { Report } from '../terminal.ts';

/** Shows progress on stderr until it is stopped. */
export interface Reporter {
  readonly report: Report;
  /** Removes the drawing while other output is printed, perhaps on the same screen. */
  aside(print: () => void): void;
  /** Restores the terminal before results are printed. */
  stop(): void;
}

/** The requested amount of progress output. */
export interface Loudness {
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly trace?: boolean;
  readonly color: boolean;
}
