import type { GitSource } from '../../core/build/git.ts';
import type { Image } from '../../core/model/container.ts';
import type { ImageRef } from '../../core/model/reference.ts';

/** The image to run: the digest of a reference in its registry, an image on the engine, or a commit to build. */
export type Resolved = ResolvedImage | ResolvedCommit;

/** The present meaning of a reference. */
export type ResolvedImage =
  | { readonly kind: 'local'; readonly follows: ImageRef; readonly image: Image }
  | { readonly kind: 'registry'; readonly follows: ImageRef; readonly digest: string | undefined };

/** A commit to build a service from, and the name of its image. */
export interface ResolvedCommit {
  readonly kind: 'commit';
  readonly follows: ImageRef;
  readonly source: GitSource;
  /** The commit, in the form of a digest. */
  readonly digest: string;
}
