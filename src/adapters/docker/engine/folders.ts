import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type Dockerode from 'dockerode';
import { extract } from 'tar-stream';
import { EngineError } from '../../../core/model/engine-error.ts';
import type { FolderIn, FolderSize } from '../../../core/model/volume.ts';
import { flowing, type Streamed } from '../calls/timeouts.ts';

/** The time for which an engine may be silent in the middle, and the signal that ends it all. */
interface Limits {
  readonly idleMs: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Copies a folder of a container, with its contents, into a folder of another with the archive calls of the Engine API. The
 * engine's stream goes straight back to it, so neither the images nor this machine need any program, and memory holds only a few
 * chunks. Owners, modes, times (whole seconds), symbolic and hard links, pipes and devices are kept; sockets, ACLs, extended
 * attributes other than file capabilities, and the setuid bit of a file with several hard links are not (moby, pkg/archive);
 * holes are filled. The copy keeps the folder's name. It can't be the same container: the engine locks a container while it is
 * read.
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
  // If one of the two ends early, the other waits for ever: for the rest of the archive, or for a reader.
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

/** The size of a folder of a container. */
export async function folderSize(docker: Dockerode, folder: FolderIn, limits: Limits): Promise<FolderSize> {
  return read(docker, folder, new PassThrough().resume(), limits);
}

/** True: a container's file system has the path. */
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

// The engine omits the end (two blocks of zeros) if it could not read a file completely, and reports nothing else (moby,
// pkg/archive).
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
  // Do not count the folder itself.
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
