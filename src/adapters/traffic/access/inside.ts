import { constants } from 'node:fs';
import { type FileHandle, open, readlink } from 'node:fs/promises';

// open(2), O_PATH: refers to a file without opening it. Node has no name for the flag.
const ONLY_NAME = 0o10000000;
const MOST_LINKS = 40;

/**
 * Calls `use` with a path of this process that leads to a file inside another root folder. Symbolic links are followed within
 * that root, as its own processes would: the kernel would follow them out of it.
 */
export async function withInside<T>(root: string, path: string, use: (path: string) => Promise<T>): Promise<T> {
  const walk = new Walk();
  try {
    return await use(named(await walk.to(root, path)));
  } finally {
    await walk.end();
  }
}

function named(handle: FileHandle): string {
  return `/proc/self/fd/${handle.fd}`;
}

/** A walk from folder to folder by handles, so that no one can exchange a folder for a link in the middle. */
class Walk {
  readonly #handles: FileHandle[] = [];

  async to(root: string, path: string): Promise<FileHandle> {
    const top = await this.#open(root, 0);
    let trail = [top];
    let rest = partsOf(path);
    for (let links = 0; rest.length > 0; ) {
      const [part = '', ...after] = rest;
      rest = after;
      const folder = trail.at(-1) ?? top;
      if (part === '..') {
        trail = trail.length > 1 ? trail.slice(0, -1) : trail;
        continue;
      }
      const entry = `${named(folder)}/${part}`;
      const handle = await this.#open(entry, constants.O_NOFOLLOW);
      if (!(await handle.stat()).isSymbolicLink()) {
        trail = [...trail, handle];
        continue;
      }
      if (++links > MOST_LINKS) throw new Error(`too many symbolic links in ${path}`);
      const target = await readlink(entry);
      rest = [...partsOf(target), ...after];
      if (target.startsWith('/')) trail = [top];
    }
    return trail.at(-1) ?? top;
  }

  async #open(path: string, flags: number): Promise<FileHandle> {
    const handle = await open(path, ONLY_NAME | flags);
    this.#handles.push(handle);
    return handle;
  }

  async end(): Promise<void> {
    for (const handle of this.#handles.splice(0)) await handle.close();
  }
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}
