/**
 * Runs a program of this machine to its end, with these variables added to those of this process. Raises an error for people if
 * it can't be started, ends with another status than 0, or does not end in time.
 */
export type RunProgram = (
  program: string,
  args: readonly string[],
  options: { readonly env: Readonly<Record<string, string>>; readonly timeoutMs: number },
) => Promise<void>;
