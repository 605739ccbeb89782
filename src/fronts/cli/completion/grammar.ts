/** What can be completed. */
export interface Grammar {
  readonly commands: readonly CommandWords[];
  readonly options: readonly OptionWords[];
}

export interface CommandWords {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly OptionWords[];
  /** What its arguments are: names of services, one of some words, or nothing that could be completed. */
  readonly arguments: 'services' | readonly string[];
}

export interface OptionWords {
  readonly long: string;
  readonly short: string | undefined;
  readonly summary: string;
  /** Whether a value follows, and which ones there are, if that is known. */
  readonly value: readonly string[] | undefined;
}

/** The values that options take, each once: `--pull` takes `always`, `missing` or `never`. */
export function valueOptions({ commands, options }: Grammar): OptionWords[] {
  const all = [...options, ...commands.flatMap((command) => command.options)];
  return all.filter(
    (option, at) => option.value !== undefined && all.findIndex((other) => other.long === option.long) === at,
  );
}
