import { createHash } from 'node:crypto';
import { HttpError } from '../http/request/problem.ts';

const MOST_KEYS = 1000;
const KEPT_MS = 24 * 3_600_000;

interface Kept {
  readonly fingerprint: string;
  readonly at: number;
  /** Undefined while the first request is being answered. */
  job: string | undefined;
}

/** Answers of requests with an `Idempotency-Key`, by caller and key. */
export interface IdempotencyKeys {
  /**
   * The job that the first request with the key began; begins one if there is none. Raises 422 for a key of another request, and 409
   * while the first one is being answered.
   */
  once(who: string, key: string, request: string, begin: () => Promise<string>): Promise<string>;
}

export function idempotencyKeys(now: () => number): IdempotencyKeys {
  const kept = new Map<string, Kept>();
  return {
    once: async (who, key, request, begin) => {
      if (!/^[\x21-\x7e]{1,255}$/.test(key)) throw new HttpError(400, 'usage', 'the Idempotency-Key is no key', HINT);
      const name = `${who}\n${key}`;
      const fingerprint = createHash('sha256').update(request).digest('hex');
      const before = kept.get(name);
      if (before && now() - before.at < KEPT_MS) return jobOf(before, fingerprint);
      const entry: Kept = { fingerprint, at: now(), job: undefined };
      kept.delete(name);
      kept.set(name, entry);
      if (kept.size > MOST_KEYS) kept.delete([...kept.keys()][0] ?? '');
      try {
        entry.job = await begin();
        return entry.job;
      } catch (raised) {
        // It started nothing, and may be tried again.
        kept.delete(name);
        throw raised;
      }
    },
  };
}

const HINT = { hint: 'use up to 255 printable characters, such as a UUID' };

function jobOf({ fingerprint, job }: Kept, wanted: string): string {
  if (fingerprint !== wanted)
    throw new HttpError(422, 'usage', 'this Idempotency-Key was used for another request', {
      hint: 'use a new key for a new request',
    });
  if (job === undefined)
    throw new HttpError(409, 'busy', 'the first request with this Idempotency-Key is being answered', {
      hint: 'repeat the request in a moment',
    });
  return job;
}
