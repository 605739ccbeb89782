import type { PinnedImage } from '../model/image.ts';
import { type ImageRef, parseReference } from '../model/reference.ts';

/** The target of a roll. Every roll has exactly one; `Local` is an image as the target of services knows it. */
export type RollTarget<Local = PinnedImage> =
  | AskedTarget
  | CheckedTarget
  /** This image, without asking any registry: a rollback, and a build of `swapctl dev`. */
  | { readonly kind: 'local'; readonly image: Local };

/** The targets that users and clients can ask for. */
export type AskedTarget =
  /** The present meaning of the reference that the service follows, or the newest tag that its track allows. */
  | { readonly kind: 'followed' }
  /** The present meaning of this reference, which the service follows from then on. */
  | { readonly kind: 'reference'; readonly reference: ImageRef }
  /** This digest of the reference (else of the followed one), or this image id, even if the tag has moved. */
  | { readonly kind: 'digest'; readonly reference: ImageRef | undefined; readonly digest: string };

/** The result of a check: a digest of a reference (or the id of an image that was built here), even if the tag has moved. */
export interface CheckedTarget {
  readonly kind: 'checked';
  readonly reference: string;
  readonly digest: string;
  /** Ids of the images that all replicas ran; if another one runs by now, the roll is refused. */
  readonly over: readonly string[];
}

export const FOLLOWED = { kind: 'followed' } as const;

/** The target in the words of a front. Raises `usage` for an image that is no reference. */
export function askedTarget({ image, digest }: TargetWords): AskedTarget {
  const reference = image === undefined ? undefined : parseReference(image);
  if (digest !== undefined) return { kind: 'digest', reference, digest };
  return reference ? { kind: 'reference', reference } : FOLLOWED;
}

/** The reference that a service follows after the roll; undefined: the same as before. */
export function givenReference(target: RollTarget): ImageRef | undefined {
  switch (target.kind) {
    case 'followed':
    case 'checked':
      return undefined;
    case 'reference':
    case 'digest':
      return target.reference;
    case 'local':
      return parseReference(target.image.follows);
  }
}

/** The same target in words, for a server that is asked in turn. */
export function wordsOf(target: AskedTarget = FOLLOWED): TargetWords {
  switch (target.kind) {
    case 'followed':
      return {};
    case 'reference':
      return { image: target.reference.text };
    case 'digest':
      return { image: target.reference?.text, digest: target.digest };
  }
}

interface TargetWords {
  readonly image?: string | undefined;
  readonly digest?: string | undefined;
}
