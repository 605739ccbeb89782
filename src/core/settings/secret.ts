/** A text that must not be printed. */
export interface Secret {
  /** The printable part. */
  readonly shown: string;
  /** The text itself, read from the environment or a file if it says so. Raises `config`. */
  readonly read: () => Promise<string>;
}
