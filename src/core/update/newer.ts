import { shortDigest } from '../model/reference.ts';
import type { Side } from '../report/report.ts';
import type { ReportedError } from '../report/reported-error.ts';

/** What a container's image is known as. Index, platform manifest and config are three digests of one image (T34). */
export interface Identity {
  /** Digests under which the followed repository has it: of an index, or of a manifest. */
  readonly digests: readonly string[];
  /** Digest of the platform's manifest, where the engine tells. */
  readonly manifestDigest: string | undefined;
  /** The engine's id of the image: a config digest with the classic store, else an index's or a manifest's. */
  readonly imageId: string;
}

/** What a registry has. Platform and config are known once its manifest was read. */
export interface Offered {
  readonly reference: string;
  /** What the tag points at: an index or a manifest. */
  readonly digest: string;
  readonly manifestDigest?: string | undefined;
  readonly configDigest?: string | undefined;
}

/** An image that is not to come (back) here, by whatever digest it is remembered. */
export interface Shunned {
  readonly digest: string | undefined;
  /** The engine's id of the image. */
  readonly image: string;
  /** ISO 8601. */
  readonly at: string;
}

/** What the slot remembers: images that failed, and those that it has left. */
export interface Memory {
  readonly failures: readonly (Shunned & { readonly reason: string })[];
  readonly retired: readonly Shunned[];
}

export type CheckOutcome = 'available' | 'current' | 'held' | 'skipped' | 'unknown';

/** What is known about an image that could be rolled to, and one sentence why. */
export interface Judgement {
  readonly outcome: CheckOutcome;
  readonly because: string;
  /** Why it is held: it failed here, or it was left for another. */
  readonly held?: 'failed' | 'left';
}

/**
 * What a check found out about a service. `held`: there is another image, but it is not to be rolled by itself; `skipped`:
 * another program owns it, or a docker run waits for it; `unknown`: it can't be told, with the error if that is one.
 */
export interface Checked {
  readonly service: string;
  readonly outcome: CheckOutcome;
  readonly from: Pick<Side, 'image' | 'digest'>;
  /** `created` is ISO 8601: when the image was built, where that is told. */
  readonly to?: { readonly reference: string; readonly digest: string; readonly created?: string };
  readonly because: string;
  readonly held?: Judgement['held'];
  readonly error?: ReportedError;
}

/**
 * Whether what a registry has is newer than what runs. Undefined where the digest alone can't tell: then the manifest has
 * to be read, and this asked again. An index that changed only for another platform is no update (T36); one that failed
 * here, or was left for another (a registry may answer old and new in turns, T41), is held.
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
 * What is to be said of an image that is under the followed tag on the engine (or of a commit that the followed branch is at),
 * and is not the one that runs. One that was left before counts: they don't flap, so that somebody put it back there.
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

function means(one: Shunned, offered: Offered): boolean {
  return digestsOf(offered).some((digest) => digest === one.digest || digest === one.image);
}

function digestsOf({ digest, manifestDigest, configDigest }: Offered): string[] {
  return [digest, manifestDigest, configDigest].filter((one) => one !== undefined);
}
