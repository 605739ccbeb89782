import { shortDigest } from '../model/reference.ts';
import type { Side } from '../report/report.ts';
import type { ReportedError } from '../report/reported-error.ts';

/** The digests of a container's image. Index, platform manifest and config are three digests of one image (T34). */
export interface Identity {
  /** Digests in the tracked repository: of an index, or of a manifest. */
  readonly digests: readonly string[];
  /** Digest of the platform's manifest, if the engine knows it. */
  readonly manifestDigest: string | undefined;
  /** The engine's id of the image: a config digest with the classic store, else an index's or a manifest's. */
  readonly imageId: string;
}

/** The image in a registry. Platform and config are known once its manifest was read. */
export interface Offered {
  readonly reference: string;
  /** The digest of the tag: an index or a manifest. */
  readonly digest: string;
  readonly manifestDigest?: string | undefined;
  readonly configDigest?: string | undefined;
}

/** A rejected or replaced image, which must not be rolled (again), by any of its digests. */
export interface RejectedImage {
  readonly digest: string | undefined;
  /** The engine's id of the image. */
  readonly image: string;
  /** ISO 8601. */
  readonly at: string;
}

/** The images that failed in the slot, and those that it has left. */
export interface Memory {
  readonly failures: readonly (RejectedImage & { readonly reason: string })[];
  readonly retired: readonly RejectedImage[];
}

export type CheckOutcome = 'available' | 'current' | 'held' | 'skipped' | 'unknown';

/** An assessment of an image to roll to, with the reason in one sentence. */
export interface Judgement {
  readonly outcome: CheckOutcome;
  readonly because: string;
  /** Why it is held: it failed here, or another image replaced it. */
  readonly held?: 'failed' | 'left';
}

/**
 * The result of a check of a service. `held`: there is another image, but an unattended roll must not use it; `skipped`: another
 * program owns the service, or a docker run waits for it; `unknown`: the check failed, with the error if there is one.
 */
export interface Checked {
  readonly service: string;
  readonly outcome: CheckOutcome;
  readonly from: Pick<Side, 'image' | 'digest'>;
  /** `created` is ISO 8601: the build time of the image, if known. */
  readonly to?: { readonly reference: string; readonly digest: string; readonly created?: string };
  readonly because: string;
  readonly held?: Judgement['held'];
  readonly error?: ReportedError;
}

/**
 * Decides if the image in a registry is newer than the running one. Undefined if the digest alone does not decide: then read the
 * manifest and ask again. An index that changed only for another platform is no update (T36); an image that failed here or was
 * replaced is held (a registry may alternate between old and new, T41).
 */
export function judge(running: Identity, offered: Offered, memory: Memory): Judgement | undefined {
  if (isSame(running, offered)) return { outcome: 'current', because: currentBecause(running, offered) };
  const failed = failedBefore(offered, memory);
  if (failed) return failed;
  const retired = memory.retired.find((one) => means(one, offered));
  if (retired)
    return {
      outcome: 'held',
      because: `it ran here before and was replaced at ${retired.at}; roll it by hand if it is meant`,
      held: 'left',
    };
  if (offered.configDigest === undefined && offered.manifestDigest === undefined) return undefined;
  return { outcome: 'available', because: `${offered.reference} is ${shortDigest(offered.digest)} now` };
}

/**
 * Assesses an image under the tracked tag on the engine (or the commit of the tracked branch) that is not the running one. A
 * replaced image counts: local tags do not flap, so a user put it back.
 */
export function judgeHere(
  here: Offered,
  memory: Memory,
  because = `another image is ${here.reference} on this machine now`,
): Judgement {
  return failedBefore(here, memory) ?? { outcome: 'available', because };
}

function failedBefore(offered: Offered, { failures }: Memory): Judgement | undefined {
  const failure = failures.find((one) => means(one, offered));
  if (!failure) return undefined;
  const because = `it was tried here at ${failure.at} and not kept: ${failure.reason}`;
  return { outcome: 'held', because, held: 'failed' };
}

function isSame(running: Identity, offered: Offered): boolean {
  const own = [...running.digests, running.imageId, running.manifestDigest];
  return digestsOf(offered).some((digest) => own.includes(digest));
}

function currentBecause(running: Identity, offered: Offered): string {
  return [...running.digests, running.imageId, running.manifestDigest].includes(offered.digest)
    ? 'it runs what the registry has'
    : 'the index changed, but not the image for this platform';
}

function means(one: RejectedImage, offered: Offered): boolean {
  return digestsOf(offered).some((digest) => digest === one.digest || digest === one.image);
}

function digestsOf({ digest, manifestDigest, configDigest }: Offered): string[] {
  return [digest, manifestDigest, configDigest].filter((one) => one !== undefined);
}
