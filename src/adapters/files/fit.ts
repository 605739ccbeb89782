import { constants, type Stats } from 'node:fs';

/** A file that is not what its name promises: a device, a pipe, one that is too large, too slow, or leads elsewhere. */
export class UnfitFile extends Error {
  readonly code = 'ERR_UNFIT_FILE';
}

/** The most bytes that a file has if nobody says otherwise. */
export const MOST_BYTES = 1024 * 1024;

// Opening for good: a pipe does not wait for its other end, a terminal does not become ours.
export const READ = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
// open(2): names a file without opening it, so that a device does not notice. Node knows no name for it.
export const ONLY_NAME = process.platform === 'linux' ? 0o10000000 : undefined;

/** Raises UnfitFile for anything but a regular file of at most so many bytes. */
export function mustFit(stats: Pick<Stats, 'isFile' | 'size'> & Kind, bytes: number): void {
  if (!stats.isFile()) throw new UnfitFile(`it is ${kindOf(stats)}, not a regular file`);
  if (stats.size > bytes) throw tooLarge(bytes);
}

type Kind = Pick<Stats, 'isDirectory' | 'isFIFO' | 'isSocket'>;

function kindOf(stats: Kind): string {
  if (stats.isDirectory()) return 'a folder';
  if (stats.isFIFO()) return 'a pipe';
  return stats.isSocket() ? 'a socket' : 'a device';
}

/** What a file with more bytes than it may have raises. */
export function tooLarge(bytes: number): UnfitFile {
  return new UnfitFile(`it has more than ${Math.round(bytes / 1024)} KiB`);
}
