import { lstat } from 'node:fs/promises';
import path from 'node:path';
import type tar from 'tar-fs';
import type { Change, WatchedTree } from '../../core/build/develop.ts';
import { fail, messageOf } from '../../core/model/error.ts';
import type { Sources } from '../../ports/build.ts';
import { packed } from './packed.ts';
import { type Tree, treeOf } from './tree.ts';
import { walk } from './walk.ts';

/** The files on this machine's disks. */
export function openSources(): Sources {
  return { watch, list, pack };
}

async function watch(
  watched: readonly WatchedTree[],
  { pollMs, signal }: { readonly pollMs: number | undefined; readonly signal: AbortSignal },
  onChange: (change: Change) => void,
): Promise<void> {
  for (const { path: root } of watched) if (!(await isThere(root))) missing(root);
  const trees = watched.map(treeOf);
  const { watch: open } = await import('chokidar');
  const watcher = open([...new Set(trees.map(({ path: root }) => root))], {
    ignoreInitial: true,
    // A link is a file of the context, its target is not.
    followSymlinks: false,
    ignored: (file, stats) =>
      trees.every((tree) => (stats?.isDirectory() ? tree.closes(file) : !mayCount(tree, file, stats))),
    ...(pollMs === undefined ? {} : { usePolling: true, interval: pollMs, binaryInterval: pollMs }),
  });
  const report = (file: string, removed: boolean): void => {
    const counting = trees.flatMap((tree, at) => (tree.counts(file) ? [at] : []));
    if (counting.length > 0) onChange({ path: file, removed, trees: counting });
  };
  watcher
    .on('add', (file) => report(file, false))
    .on('change', (file) => report(file, false))
    .on('unlink', (file) => report(file, true));
  signal.addEventListener('abort', () => void watcher.close(), { once: true });
  await new Promise<void>((resolve, reject) => {
    watcher.once('ready', resolve).once('error', (error) => reject(cannotWatch(error)));
  });
  // A file that can't be watched must not stop the watch of the others.
  watcher.on('error', () => {});
  if (pollMs !== undefined) await firstLookDone(watcher.getWatched());
}

// Polling compares with a first stat that it has only requested by now: an earlier change would be missed. Stats complete in the
// order of requests (libuv's thread pool), so once these are answered, the first ones are, too.
async function firstLookDone(watched: Readonly<Record<string, readonly string[]>>): Promise<void> {
  const files = Object.entries(watched).flatMap(([folder, names]) => names.map((name) => path.join(folder, name)));
  await Promise.all(files.map(isThere));
}

// Without a stat, a path may be a folder with a file that counts.
function mayCount(tree: Tree, file: string, stats: unknown): boolean {
  return stats === undefined ? !tree.closes(file) : tree.counts(file);
}

function cannotWatch(error: unknown): Error {
  const limit = /ENOSPC|EMFILE/.test(messageOf(error));
  return fail('config', `the files can't be watched: ${messageOf(error)}`, {
    hint: limit
      ? 'raise fs.inotify.max_user_watches (sysctl), leave more out in .dockerignore, or use --poll'
      : 'try --poll',
    cause: error,
  });
}

async function list(watched: WatchedTree): Promise<string[]> {
  const tree = treeOf(watched);
  const found = await lstat(tree.path).catch(() => missing(tree.path));
  if (!found.isDirectory()) return [tree.path];
  const at = (relative: string): string => path.join(tree.path, relative);
  const files: string[] = [];
  for await (const { relative, folder } of walk(tree.path, (one, isFolder) => isFolder && tree.closes(at(one))))
    if (!folder && tree.counts(at(relative))) files.push(at(relative));
  return files;
}

async function* pack(files: readonly { readonly path: string; readonly target: string }[]): AsyncGenerator<Uint8Array> {
  const there: { path: string; target: string }[] = [];
  for (const file of files) if (await isThere(file.path)) there.push(file);
  if (there.length === 0) return;
  const folder = commonFolder(there.map(({ path: file }) => file));
  const names = new Map(
    there.map(({ path: file, target }) => [path.relative(folder, file), target.replace(/^\/+/, '')]),
  );
  // Each path by name, without the entries below it.
  const options = {
    entries: [...names.keys()],
    ignore: () => true,
    umask: 0,
    map: (header: tar.Headers) => ({ ...header, name: names.get(header.name) ?? header.name, uid: 0, gid: 0 }),
  };
  yield* packed(folder, options);
}

/** The deepest common folder of all files. */
function commonFolder(files: readonly string[]): string {
  const [first = [], ...others] = files.map((file) => path.dirname(file).split(path.sep));
  const differs = first.findIndex((part, at) => others.some((other) => other[at] !== part));
  return first.slice(0, differs < 0 ? undefined : differs).join(path.sep) || path.sep;
}

function isThere(file: string): Promise<boolean> {
  return lstat(file).then(
    () => true,
    () => false,
  );
}

function missing(file: string): never {
  return fail('config', `${file} can't be watched: it does not exist`, { hint: 'create it, or correct the rule' });
}
