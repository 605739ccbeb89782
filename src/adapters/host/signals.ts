const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Calls back at the first SIGINT or SIGTERM. The second one is the kernel's: process.exit would wait for a thread that hangs in
 * a call (a file on a network that is away), and a listener for an event loop that is busy. Only where the kernel spares process
 * 1, `end` is to end it.
 */
export function onFirstSignal(process: NodeJS.Process, interrupt: () => void, end: () => void): void {
  const listener = (): void => {
    for (const signal of SIGNALS) process.off(signal, listener);
    // Process 1 does not die of signals that it does not listen to.
    if (process.pid === 1) for (const signal of SIGNALS) process.on(signal, end);
    interrupt();
  };
  for (const signal of SIGNALS) process.on(signal, listener);
}
