import { isatty } from 'node:tty';

/**
 * Readers may go away (`| head`, a terminal that is closed): what is half done is done to its end all the same. What stdout does
 * not take for another reason (a full disk) is told on stderr and to whoever ends the program: a script must not take what is
 * missing in its file for an answer.
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

/** Tells, from now on, whether a terminal that the program began with was closed. */
export function terminalWatch(): () => boolean {
  const terminals = [0, 1, 2].filter((fd) => isatty(fd));
  return () => !terminals.every((fd) => isatty(fd));
}
