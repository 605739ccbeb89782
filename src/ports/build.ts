import type { BuildOutline, BuildSpec, BuiltImage } from '../core/build/build.ts';
import type { Change, WatchedTree } from '../core/build/develop.ts';
import type { GitSource, GitTree } from '../core/build/git.ts';
import type { ComposeModel, ComposeProject } from '../core/service/compose.ts';

export interface Compose {
  /** The files of a project as compose reads them. Raises `config`: compose is not installed here, or what it has against them. */
  read(project: ComposeProject): Promise<ComposeModel>;
  /**
   * The services of a project as compose reads its files: merged, interpolated, with all defaults. Undefined where compose
   * is not installed or does not take the files.
   */
  services(project: ComposeProject): Promise<Readonly<Record<string, Readonly<Record<string, unknown>>>> | undefined>;
}

/** Builds images, by the best builder at hand: docker's buildx where it is installed, else the engine itself. */
export interface Builder {
  /**
   * Builds an image and resolves with it; it gets no name, so that nothing points at it before it has proven itself. `onLine` gets
   * what the builder says, as it comes. Raises `build-failed` (with the last lines of the step that failed), `refused` for what
   * the builder at hand can't do, `config` for a folder or Dockerfile that is not there, `interrupted`.
   */
  build(spec: BuildSpec, onLine: (line: string) => void, signal: AbortSignal): Promise<BuiltImage>;
  /** The outline of a build's context. Raises `config` for a folder or Dockerfile that is not there. */
  outline(spec: BuildSpec): Promise<BuildOutline>;
}

/** Repositories that services are built from, by the git that is installed here. */
export interface Git {
  /**
   * The commit that a source names now. Raises `config` where git is not installed, `source-unreachable` for what can't be
   * asked and for a branch that is not there, `interrupted`.
   */
  head(source: GitSource, signal: AbortSignal): Promise<string>;
  /** The files of a commit. Raises the same, `image-moved` where it can't be had any more, `build-failed` without its folder. */
  tree(source: GitSource, commit: string, signal: AbortSignal): Promise<GitTree>;
}

/** The files of this machine that images and containers are made of. */
export interface Sources {
  /**
   * Calls back with everything that happens in some trees until the signal aborts; resolves once it sees what happens.
   * `pollMs`: looks every so often, for mounts that tell no events. Raises `config` for a path that is not there.
   */
  watch(
    trees: readonly WatchedTree[],
    options: { readonly pollMs: number | undefined; readonly signal: AbortSignal },
    onChange: (change: Change) => void,
  ): Promise<void>;
  /** The files of a tree that count, by absolute path. */
  list(tree: WatchedTree): Promise<string[]>;
  /** A tar archive of files, each under its path in the container; what is gone by now is left out. */
  pack(files: readonly { readonly path: string; readonly target: string }[]): AsyncIterable<Uint8Array>;
}
