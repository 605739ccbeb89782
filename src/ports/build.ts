import type { BuildOutline, BuildSpec, BuiltImage } from '../core/build/build.ts';
import type { Change, WatchedTree } from '../core/build/develop.ts';
import type { GitSource, GitTree } from '../core/build/git.ts';
import type { ComposeModel, ComposeProject } from '../core/service/compose.ts';

export interface Compose {
  /** The files of a project as compose reads them. Raises `config` if compose is not installed, or rejects them. */
  read(project: ComposeProject): Promise<ComposeModel>;
  /**
   * The services of a project as compose reads its files: merged, interpolated, with all defaults. Undefined if compose is not
   * installed or rejects the files.
   */
  services(project: ComposeProject): Promise<Readonly<Record<string, Readonly<Record<string, unknown>>>> | undefined>;
}

/** Builds images with the best available builder: docker's buildx if it is installed, else the engine itself. */
export interface Builder {
  /**
   * Builds an image without a name, so that nothing refers to it before it is proven. `onLine` gets the builder's output as it
   * comes. Raises `build-failed` (with the last lines of the failed step), `refused` for an option that the builder lacks,
   * `config` for a missing folder or Dockerfile, `interrupted`.
   */
  build(spec: BuildSpec, onLine: (line: string) => void, signal: AbortSignal): Promise<BuiltImage>;
  /** The outline of a build's context. Raises `config` for a missing folder or Dockerfile. */
  outline(spec: BuildSpec): Promise<BuildOutline>;
}

/** Repositories of builds, read by the installed git. */
export interface Git {
  /**
   * The commit that a source names now. Raises `config` if git is not installed, `source-unreachable` for an unreachable
   * repository or a missing branch, `interrupted`.
   */
  head(source: GitSource, signal: AbortSignal): Promise<string>;
  /** The files of a commit. Raises the same, `image-moved` if the commit is gone, `build-failed` without its folder. */
  tree(source: GitSource, commit: string, signal: AbortSignal): Promise<GitTree>;
}

/** The files of this machine that go into images and containers. */
export interface Sources {
  /**
   * Reports every change in some trees until the signal aborts; resolves once the watch is active. `pollMs`: polls at this
   * interval, for mounts without events. Raises `config` for a missing path.
   */
  watch(
    trees: readonly WatchedTree[],
    options: { readonly pollMs: number | undefined; readonly signal: AbortSignal },
    onChange: (change: Change) => void,
  ): Promise<void>;
  /** The watched files of a tree, by absolute path. */
  list(tree: WatchedTree): Promise<string[]>;
  /** A tar archive of files, each under its path in the container; skips files that are gone by now. */
  pack(files: readonly { readonly path: string; readonly target: string }[]): AsyncIterable<Uint8Array>;
}
