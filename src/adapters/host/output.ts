import { isatty } from 'node:tty';

/**
 * Readers may disconnect (`| head`, a closed terminal): half-done work continues to its end. Any other failure of stdout (a full
 * disk) is reported on stderr and to the caller: a script must not take an incomplete file for an answer.
 */
export function outliveReaders({ stdout, stderr }: Streams, onUnwritten: () => void): void {
  stderr.on('error', () => {});
  stdout.once('error', (error: NodeJS.ErrnoException) => {
    stdout.on('error', () => {});
    if (error.code === 'EPIPE' || error.code === 'EIO') return;
    const now = 'the changes of the command stand; swapctl status shows them';
    stderr.write(`swapctl: stdout can't be written to: ${error.message}\n  ${now}\n`);
    onUnwritten();
  });
}

type Streams = Pick<NodeJS.Process, 'stdout' | 'stderr'>;

/** Returns a function that reports if the program's terminal was closed since. */
export function terminalWatch(): () => boolean {
  const terminals = [0, 1, 2].filter((fd) => isatty(fd));
  return () => !terminals.every((fd) => isatty(fd));
}
