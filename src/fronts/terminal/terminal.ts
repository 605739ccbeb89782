import type { Progress } from '../../core/report/progress.ts';

/** The sink of progress; results never go there. */
export type Report = (progress: Progress) => void;

/** The terminal, pipe or log of the command line. */
export interface Terminal {
  stdout(text: string): void;
  readonly stderr: {
    write(text: string): unknown;
    readonly isTTY?: boolean | undefined;
    readonly columns?: number | undefined;
  };
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdoutIsTty: boolean;
  /** Milliseconds since the epoch. */
  now(): number;
}
