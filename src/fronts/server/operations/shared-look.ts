// Long enough for many clients that poll, and short enough for a person.
const KEPT_MS = 1000;

/** A look at the engine that takes its time, shared by its callers. */
export interface SharedLook<T> {
  /** The look that is under way, one that ended within the last second, or a new one. */
  look(): Promise<T>;
  /** Something has changed: no later caller gets a look that began before. */
  forget(): void;
}

/** Shares looks among callers; `now` is in milliseconds. */
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
