/**
 * Lets callers share looks at the engine that take their time. A caller that comes during a look waits for the next one, so
 * that no answer is older than its request.
 */
export function sharedLook<T>(look: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  let next: Promise<T> | undefined;
  const begin = (): Promise<T> => {
    const begun = look().finally(() => {
      if (running === begun) running = undefined;
    });
    running = begun;
    return begun;
  };
  const afterThat = async (before: Promise<T>): Promise<T> => {
    await before.catch(() => {});
    next = undefined;
    return begin();
  };
  return () => {
    if (!running) return begin();
    next ??= afterThat(running);
    return next;
  };
}
