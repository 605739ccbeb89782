import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type Dockerode from 'dockerode';
import { extract } from 'tar-stream';
import { EngineError } from '../../../core/model/engine-error.ts';
import type { FolderIn, FolderSize } from '../../../core/model/volume.ts';
import { flowing, type Streamed } from '../calls/patience.ts';

/** How long an engine may be silent in the middle, and what ends it all. */
interface Limits {
  readonly idleMs: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Copies a folder of a container, with all that is in it, into a folder of another by the archive calls of the Engine API: what
 * the engine reads is handed on to it as it comes, so that neither the images nor this machine need anything, and no more than
 * some chunks are in memory. Owners, modes, times (whole seconds), symbolic and hard links, pipes and devices come along; sockets,
 * ACLs, extended attributes other than file capabilities, and the setuid bit of a file with several hard links do not (moby,
 * pkg/archive); holes are filled. In the folder into which it is put it has
 * the name that it had. It can't be the same container: the engine holds a lock on it as long as somebody reads.
 */
export async function copyFolder(
  docker: Dockerode,
  from: FolderIn,
  into: FolderIn,
  limits: Limits,
): Promise<FolderSize> {
  const over = new AbortController();
  const signal = limits.signal ? AbortSignal.any([limits.signal, over.signal]) : over.signal;
  const archive = new PassThrough();
  const reading = read(docker, from, archive, { ...limits, signal });
  const options = { path: into.path, abortSignal: signal } as never;
  const writing = docker.getContainer(into.container).putArchive(archive, options);
  // Whoever of the two ends early leaves the other waiting: for the rest of the archive, or for somebody to take it.
  const ended = (error: unknown): never => {
    over.abort(error);
    archive.destroy();
    throw error;
  };
  const both = await Promise.allSettled([reading.catch(ended), writing.catch(ended)]);
  if (over.signal.aborted) throw over.signal.reason;
  const [size] = both;
  return size.status === 'fulfilled' ? size.value : ended(size.reason);
}

/** What is in a folder of a container. */
export async function folderSize(docker: Dockerode, folder: FolderIn, limits: Limits): Promise<FolderSize> {
  return read(docker, folder, new PassThrough().resume(), limits);
}

/** Whether a container's file system has something at a path. */
export async function hasPath(docker: Dockerode, container: string, path: string): Promise<boolean> {
  const head = (await docker.getContainer(container).infoArchive({ path })) as unknown as Readable;
  head.resume();
  return true;
}

async function read(
  docker: Dockerode,
  { container, path }: FolderIn,
  to: PassThrough,
  { idleMs, signal }: Limits,
): Promise<FolderSize> {
  const options = { path, ...(signal ? { abortSignal: signal } : {}) };
  const archive = (await docker.getContainer(container).getArchive(options)) as unknown as Streamed;
  const counted = new PassThrough();
  const counting = count(counted);
  await Promise.all([pipeline(Readable.from(copied(flowing(archive, idleMs), counted)), to), counting]);
  return counting;
}

async function* copied(chunks: AsyncIterable<Buffer>, to: PassThrough): AsyncGenerator<Buffer> {
  const end = new ArchiveEnd();
  try {
    for await (const chunk of chunks) {
      end.take(chunk);
      if (!to.write(chunk)) await once(to, 'drain');
      yield chunk;
    }
    if (!end.isThere) throw new EngineError(0, 'the engine broke off in the middle of reading the files');
    to.end();
  } catch (error) {
    to.destroy(error as Error);
    throw error;
  }
}

// The engine leaves the end out where it could not read a file to its end, and says nothing else (moby, pkg/archive): two blocks
// of zeros.
const END = 1024;

class ArchiveEnd {
  #zeros = 0;

  take(chunk: Buffer): void {
    let at = chunk.length;
    while (at > 0 && chunk[at - 1] === 0 && chunk.length - at < END) at--;
    const zeros = chunk.length - at;
    this.#zeros = at === 0 ? this.#zeros + zeros : zeros;
  }

  get isThere(): boolean {
    return this.#zeros >= END;
  }
}

async function count(archive: Readable): Promise<FolderSize> {
  const entries = extract();
  let bytes = 0;
  // The folder itself is none of its files.
  let files = -1;
  const counting = (async () => {
    for await (const entry of entries) {
      bytes += entry.header.type === 'file' || entry.header.type === 'contiguous-file' ? (entry.header.size ?? 0) : 0;
      files++;
      entry.resume();
    }
  })();
  await Promise.all([pipeline(archive, entries), counting]);
  return { bytes, files };
}
