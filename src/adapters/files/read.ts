import type { BigIntStats } from 'node:fs';
import { type FileHandle, open, readdir, readlink, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { MOST_BYTES, mustFit, ONLY_NAME, READ, tooLarge, UnfitFile } from './fit.ts';

/** The limits of reading a file. */
export interface Limits {
  /** The maximum size of the file in bytes. Default: 1 MiB. */
  readonly bytes?: number;
  /** The maximum time in milliseconds: the file may be on a network. Default: 10 s. */
  readonly timeoutMs?: number;
  /** A folder that no link may lead out of. */
  readonly within?: string | undefined;
}

const MOST_MS = 10_000;

/**
 * Reads a file that a label, a repository or a configuration names. Checks the file before opening it, since opening a device may
 * already act. Raises UnfitFile for anything but a regular file within the limits, and the system's errors.
 */
export function readText(file: string, limits: Limits = {}): Promise<string> {
  const { bytes = MOST_BYTES } = limits;
  return withFit(file, limits, async (handle) => (await readAll(handle, bytes)).toString('utf8'));
}

/** Reads the last bytes of a file that may be large, such as a log. Raises the errors of `readText`. */
export function readEnd(file: string, bytes: number): Promise<string> {
  return withFit(file, { bytes: Number.MAX_SAFE_INTEGER }, async (handle) => {
    const { size } = await handle.stat();
    const length = Math.min(size, bytes);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.subarray(0, bytesRead).toString('utf8');
  });
}

/** Makes sure that another program may read a file: raises the errors of `readText`, and reads nothing. */
export function mustBeFit(file: string, limits: Limits = {}): Promise<void> {
  return withFit(file, limits, async () => {});
}

/** The stat of a file, without opening it. Raises UnfitFile if that takes too long, and the system's errors. */
export function looked(file: string, { timeoutMs = MOST_MS }: Pick<Limits, 'timeoutMs'> = {}): Promise<BigIntStats> {
  return inTime(timeoutMs, () => stat(file, { bigint: true }));
}

/** The names in a folder. Raises UnfitFile if that takes too long, and the system's errors. */
export function namesIn(folder: string, { timeoutMs = MOST_MS }: Pick<Limits, 'timeoutMs'> = {}): Promise<string[]> {
  return inTime(timeoutMs, () => readdir(folder));
}

function withFit<T>(file: string, limits: Limits, use: (handle: FileHandle) => Promise<T>): Promise<T> {
  const { bytes = MOST_BYTES, timeoutMs = MOST_MS, within } = limits;
  return inTime(timeoutMs, async () => {
    // By the same handle: the path may already name another file.
    const named = ONLY_NAME === undefined ? undefined : await open(file, ONLY_NAME);
    try {
      mustFit(await (named ? named.stat() : stat(file)), bytes);
      const own = named && `/proc/self/fd/${named.fd}`;
      if (within !== undefined) await mustStayWithin(own ? await readlink(own) : await realpath(file), within);
      return await opened(own ?? file, bytes, use);
    } finally {
      await named?.close();
    }
  });
}

async function opened<T>(file: string, bytes: number, use: (handle: FileHandle) => Promise<T>): Promise<T> {
  const handle = await open(file, READ);
  try {
    mustFit(await handle.stat(), bytes);
    return await use(handle);
  } finally {
    await handle.close();
  }
}

async function mustStayWithin(real: string, within: string): Promise<void> {
  const relative = path.relative(await realpath(within), real);
  if (relative === '..' || relative.startsWith(`..${path.sep}`) || path.isAbsolute(relative))
    throw new UnfitFile(`it is a link that leads out of ${within}`);
}

const CHUNK = 64 * 1024;

// Not by its size: a file may grow, and those of the kernel have size 0.
async function readAll(handle: FileHandle, bytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (let size = 0; size <= bytes; ) {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK);
    if (bytesRead === 0) return Buffer.concat(chunks);
    size += bytesRead;
    chunks.push(buffer.subarray(0, bytesRead));
  }
  throw tooLarge(bytes);
}

// A call that hangs in the kernel can't be ended, but the caller need not wait for it.
async function inTime<T>(ms: number, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new UnfitFile(`it can't be read within ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}
