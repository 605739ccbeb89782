/** The answer of a limit: the call passes, or the caller has to wait a number of seconds. */
export type Limited = { readonly ok: true } | { readonly ok: false; readonly retryAfterS: number };

/** A burst of calls, and one more each `everyMs`. */
export interface Rate {
  readonly burst: number;
  readonly everyMs: number;
  /** The maximum number of keys; the least recently used key is forgotten first. */
  readonly keys: number;
}

interface Bucket {
  readonly full: number;
  readonly at: number;
}

/** A token bucket for each key, in bounded memory. Time is a parameter: the clock is the caller's. */
export class Limiter {
  readonly #rate: Rate;
  /** In the order of their last use. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  /** Takes one call from the bucket of a key. */
  take(key: string, now: number): Limited {
    const { everyMs } = this.#rate;
    const full = this.#level(key, now);
    const ok = full >= 1;
    this.#put(key, { full: ok ? full - 1 : full, at: now });
    return ok ? { ok } : { ok, retryAfterS: Math.max(1, Math.ceil(((1 - full) * everyMs) / 1000)) };
  }

  /** The number of known keys. */
  get size(): number {
    return this.#buckets.size;
  }

  #level(key: string, now: number): number {
    const { burst, everyMs } = this.#rate;
    const bucket = this.#buckets.get(key);
    if (!bucket) return burst;
    // A clock that was set back adds nothing and takes nothing.
    return Math.min(burst, bucket.full + Math.max(0, now - bucket.at) / everyMs);
  }

  #put(key: string, bucket: Bucket): void {
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size <= this.#rate.keys) return;
    for (const oldest of this.#buckets.keys()) {
      this.#buckets.delete(oldest);
      return;
    }
  }
}
