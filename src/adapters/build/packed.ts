import tar from 'tar-fs';
import { SourceChanged } from '../../core/build/source-changed.ts';
import { messageOf } from '../../core/model/error.ts';

/** Files of a folder as a tar archive, as they are read. Raises SourceChanged where one shrinks or goes meanwhile. */
export async function* packed(folder: string, options: tar.PackOptions): AsyncGenerator<Uint8Array> {
  try {
    // Its types say less of what it streams than this.
    for await (const chunk of tar.pack(folder, options) as AsyncIterable<unknown>)
      if (chunk instanceof Uint8Array) yield chunk;
  } catch (error) {
    throw hasChanged(error) ? new SourceChanged(folder, error) : error;
  }
}

// tar-stream's word for a file that ended before as much of it was read as its header says.
const SHRUNK = 'Size mismatch';
const GONE = ['ENOENT', 'ENOTDIR', 'EISDIR'];

function hasChanged(error: unknown): boolean {
  return messageOf(error) === SHRUNK || GONE.includes((error as NodeJS.ErrnoException).code ?? '');
}
