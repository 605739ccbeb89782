/** The fields of a volume that swapctl reads. */
export interface Volume {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** A folder of a container, by the container's id or name. */
export interface FolderIn {
  readonly container: string;
  readonly path: string;
}

/** The size of the regular files in a folder, and the number of files and folders of any kind. */
export interface FolderSize {
  readonly bytes: number;
  readonly files: number;
}
