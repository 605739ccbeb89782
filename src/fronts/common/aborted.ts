import { fail } from '../../core/model/error.ts';

/** Resolves like the promise, but raises `interrupted` as soon as the signal aborts: for work that changes nothing. */
export async function untilAborted<T>(working: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = (): void => {};
  const aborted = new Promise<'aborted'>((resolve) => {
    stop = () => resolve('aborted');
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
  });
  try {
    const first = await Promise.race([working, aborted]);
    if (first !== 'aborted') return first as T;
    working.catch(() => {});
    return interrupted();
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Raises that nothing was changed. */
export function interrupted(): never {
  return fail('interrupted', 'interrupted; nothing was changed');
}
