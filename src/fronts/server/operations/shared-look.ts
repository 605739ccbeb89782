// Long enough for many polling clients, and short enough for a person.
const KEPT_MS = 1000;

/** An observation of the engine that takes time, shared by its callers. */
export interface SharedLook<T> {
  /** The observation in progress, one that ended within the last second, or a new one. */
  look(): Promise<T>;
  /** Something has changed: no later caller gets an earlier observation. */
  forget(): void;
}

/** Shares observations among callers; `now` is in milliseconds. */
export function sharedLook<T>(look: () => Promise<T>, now: () => number): SharedLook<T> {
  let current: { readonly result: Promise<T>; endedAt: number | undefined } | undefined;
  const begin = (): Promise<T> => {
    const result = look();
    const own = { result, endedAt: undefined as number | undefined };
    current = own;
    const forgotten = (): void => {
      if (current === own) current = undefined;
    };
    result.then(() => {
      own.endedAt = now();
    }, forgotten);
    return result;
  };
  return {
    look: () => {
      const isFresh = current && (current.endedAt === undefined || now() - current.endedAt < KEPT_MS);
      return current && isFresh ? current.result : begin();
    },
    forget: () => {
      current = undefined;
    },
  };
}
