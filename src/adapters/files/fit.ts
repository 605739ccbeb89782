import { constants, type Stats } from 'node:fs';

/** Not a file as expected: a device, a pipe, too large, too slow, or a link to another place. */
export class UnfitFile extends Error {
  readonly code = 'ERR_UNFIT_FILE';
}

/** The default limit of a file's size. */
export const MOST_BYTES = 1024 * 1024;

// Safe flags for opening: no wait for the other end of a pipe, no controlling terminal.
export const READ = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
// open(2), O_PATH: refers to a file without opening it, so that a device does not notice. Node has no name for the flag.
export const ONLY_NAME = process.platform === 'linux' ? 0o10000000 : undefined;

/** Raises UnfitFile unless it is a regular file within the size limit. */
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

/** The error for a file above the size limit. */
export function tooLarge(bytes: number): UnfitFile {
  return new UnfitFile(`it has more than ${Math.round(bytes / 1024)} KiB`);
}
