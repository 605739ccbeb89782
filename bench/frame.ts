// The frame of a benchmark: it removes what the benchmark has made at its end, after a failure, and after Ctrl-C.
import type { Scope } from '../test/lab/world.ts';

/** Runs the benchmark, with a signal that Ctrl-C aborts, and ends the process. */
export async function runBenchmark(benchmark: (scope: Scope, signal: AbortSignal) => Promise<void>): Promise<never> {
  const cleanUps: (() => Promise<void>)[] = [];
  const abort = new AbortController();
  const interrupted = new Promise<'interrupted'>((resolve) => {
    abort.signal.addEventListener('abort', () => resolve('interrupted'));
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => abort.abort());
  let status = 0;
  try {
    const running = benchmark({ after: (cleanUp) => void cleanUps.push(cleanUp) }, abort.signal);
    if ((await Promise.race([running, interrupted])) === 'interrupted') status = 130;
  } catch (error) {
    console.error(error);
    status = 1;
  } finally {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
  }
  // An interrupted benchmark would go on.
  return process.exit(status);
}
