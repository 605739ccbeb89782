import tar from 'tar-fs';
import { SourceChanged } from '../../core/build/source-changed.ts';
import { messageOf } from '../../core/model/error.ts';

/** Streams files of a folder as a tar archive. Raises SourceChanged if a file shrinks or vanishes meanwhile. */
export async function* packed(folder: string, options: tar.PackOptions): AsyncGenerator<Uint8Array> {
  try {
    // Its types declare less than it streams.
    for await (const chunk of tar.pack(folder, options) as AsyncIterable<unknown>)
      if (chunk instanceof Uint8Array) yield chunk;
  } catch (error) {
    throw hasChanged(error) ? new SourceChanged(folder, error) : error;
  }
}

// tar-stream's error for a file that ended before the size in its header.
const SHRUNK = 'Size mismatch';
const GONE = ['ENOENT', 'ENOTDIR', 'EISDIR'];

function hasChanged(error: unknown): boolean {
  return messageOf(error) === SHRUNK || GONE.includes((error as NodeJS.ErrnoException).code ?? '');
}
