import { opendir } from 'node:fs/promises';
import path from 'node:path';

/**
 * Every path below a folder, relative and with `/`, each folder before its contents, except those that `skip` matches and
 * everything below them.
 */
export async function* walk(
  root: string,
  skip: (relative: string, folder: boolean) => boolean,
  from = '',
): AsyncGenerator<{ readonly relative: string; readonly folder: boolean }> {
  for await (const entry of await opendir(path.join(root, from))) {
    const relative = from === '' ? entry.name : `${from}/${entry.name}`;
    const folder = entry.isDirectory();
    if (skip(relative, folder)) continue;
    yield { relative, folder };
    if (folder) yield* walk(root, skip, relative);
  }
}
