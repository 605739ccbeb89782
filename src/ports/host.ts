import type { Call } from '../core/update/helper.ts';

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds since some instant, of a clock that nobody sets. */
  monotonic(): number;
  /** Resolves after the time, at once when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Cron expressions of five fields, and nicknames like `@daily`. */
export interface Schedules {
  /**
   * When an expression comes due next after an instant (both milliseconds since the epoch), by the clock of a time zone or
   * of this machine; undefined: never. Raises `config` for what is no expression.
   */
  next(expression: string, after: number, zone: string | undefined): Promise<number | undefined>;
}

/** This process, as others can recognise it. */
export interface Host {
  /** Identity of this process that no other process on any machine has. */
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
  /** Registries that there is a login for. Raises `config` where Docker's config.json can't be read. */
  logins(): Promise<string[]>;
  /** A YAML file of this machine, parsed; undefined if it can't be read. */
  readYaml(path: string): Promise<unknown>;
}
