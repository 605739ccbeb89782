/** A text that must not be shown. */
export interface Secret {
  /** The part that may be shown. */
  readonly shown: string;
  /** The text itself, from the environment or a file where it says so. Raises `config`. */
  readonly read: () => Promise<string>;
}
