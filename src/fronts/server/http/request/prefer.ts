const LONGEST_WAIT_S = 300;

/** The time that a client waits for the answer (`Prefer: wait=60`, RFC 7240), in milliseconds; undefined: none. */
export function waitOf(header: string | undefined): number | undefined {
  const [, seconds] = /(?:^|[,;])\s*wait\s*=\s*"?(\d{1,6})"?\s*(?:$|[,;])/i.exec(header ?? '') ?? [];
  return seconds === undefined ? undefined : Math.min(Number(seconds), LONGEST_WAIT_S) * 1000;
}

/** A signal that aborts after the time, or with one of the others; `end` releases its resources. */
export function deadline(ms: number, signals: readonly AbortSignal[]): { signal: AbortSignal; end: () => void } {
  const own = new AbortController();
  const abort = (): void => own.abort();
  const timer = setTimeout(abort, ms);
  for (const signal of signals) {
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
  }
  const end = (): void => {
    clearTimeout(timer);
    for (const signal of signals) signal.removeEventListener('abort', abort);
  };
  return { signal: own.signal, end };
}
