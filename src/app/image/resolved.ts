import type { GitSource } from '../../core/build/git.ts';
import type { Image } from '../../core/model/container.ts';

/** The image to run: the digest of a reference in its registry, an image that is on the engine, or a commit that is to be built. */
export type Resolved = ResolvedImage | ResolvedCommit;

/** The present meaning of a reference. */
export type ResolvedImage =
  | { readonly kind: 'local'; readonly follows: string; readonly image: Image }
  | { readonly kind: 'registry'; readonly follows: string; readonly digest: string | undefined };

/** A commit that a service is to be built from, and the name that its image gets. */
export interface ResolvedCommit {
  readonly kind: 'commit';
  readonly follows: string;
  readonly source: GitSource;
  /** The commit, as it stands where an image of a registry has its digest. */
  readonly digest: string;
}
