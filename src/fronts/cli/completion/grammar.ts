/** The commands, options and arguments to complete. */
export interface Grammar {
  readonly commands: readonly CommandWords[];
  readonly options: readonly OptionWords[];
}

export interface CommandWords {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly OptionWords[];
  /** Its arguments: names of services, one of some words, or free text. */
  readonly arguments: 'services' | readonly string[];
}

export interface OptionWords {
  readonly long: string;
  readonly short: string | undefined;
  readonly summary: string;
  /** Undefined: no value follows; else its known values. */
  readonly value: readonly string[] | undefined;
}

/** The values of options, without duplicates: `--pull` takes `always`, `missing` or `never`. */
export function valueOptions({ commands, options }: Grammar): OptionWords[] {
  const all = [...options, ...commands.flatMap((command) => command.options)];
  return all.filter(
    (option, at) => option.value !== undefined && all.findIndex((other) => other.long === option.long) === at,
  );
}
