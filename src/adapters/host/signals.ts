const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Calls back at the first SIGINT or SIGTERM. The second one is the kernel's: process.exit would wait for a thread that hangs in a
 * call (a file on an unreachable network), and a listener for a busy event loop. Only for process 1, which the kernel spares,
 * `end` must end it.
 */
export function onFirstSignal(process: NodeJS.Process, interrupt: () => void, end: () => void): void {
  const listener = (): void => {
    for (const signal of SIGNALS) process.off(signal, listener);
    // Process 1 ignores signals without a listener.
    if (process.pid === 1) for (const signal of SIGNALS) process.on(signal, end);
    interrupt();
  };
  for (const signal of SIGNALS) process.on(signal, listener);
}
