import type { Call } from '../core/update/helper.ts';

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds since some instant, on a clock that nobody sets. */
  monotonic(): number;
  /** Resolves after the time, or at once when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Cron expressions of five fields, and nicknames like `@daily`. */
export interface Schedules {
  /**
   * The next time of an expression after an instant (both milliseconds since the epoch), on the clock of a time zone or of this
   * machine; undefined: never. Raises `config` for an invalid expression.
   */
  next(expression: string, after: number, zone: string | undefined): Promise<number | undefined>;
}

/** This process, as other processes can identify it. */
export interface Host {
  /** A name of this process, unique on all machines. */
  readonly holder: string;
  /** True if the process of that name still runs; undefined if that is unknown here. */
  isAlive(holder: string): boolean | undefined;
  /** Id of the container that this process runs in; undefined outside of one. */
  readonly containerId: string | undefined;
  readonly call: Call;
  /** SHA-256 of a text's UTF-8, in hex. */
  sha256(text: string): string;
  /** Random, for ids of rolls. */
  randomId(): string;
  /** The registries with a login. Raises `config` if Docker's config.json can't be read. */
  logins(): Promise<string[]>;
  /** True if nobody but root and the user of this process may write to a file, or to the folder that it is in. */
  isTrusted(path: string): Promise<boolean>;
  /** A YAML file of this machine, parsed; undefined if it can't be read. */
  readYaml(path: string): Promise<unknown>;
}
