/** A volume of the engine, as far as swapctl looks at it. */
export interface Volume {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** A folder of a container, by the container's id or name. */
export interface FolderIn {
  readonly container: string;
  readonly path: string;
}

/** What the regular files in a folder hold, and how many files and folders of any kind are in it. */
export interface FolderSize {
  readonly bytes: number;
  readonly files: number;
}
