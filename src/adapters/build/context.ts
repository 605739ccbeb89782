import path from 'node:path';
import type tar from 'tar-fs';
import type { Pack } from 'tar-stream';
import type { BuildSpec } from '../../core/build/build.ts';
import { fail, messageOf } from '../../core/model/error.ts';
import { readText } from '../files/read.ts';
import { fenceOf } from './fence.ts';
import { ignoreFile, ignoreOf } from './ignore.ts';
import { packed } from './packed.ts';
import { walk } from './walk.ts';

/** The Dockerfile of a build. */
export interface Dockerfile {
  /** Its absolute path; undefined for an inline one. */
  readonly file: string | undefined;
  readonly text: string;
}

// No file of the context has this name: it holds a Dockerfile from outside the context.
const EXTRA = '.swapctl.dockerfile';

/** Finds and reads the Dockerfile of a build. Raises `config` if there is none. */
export async function dockerfileOf({ context, dockerfile, inline }: BuildSpec): Promise<Dockerfile> {
  if (inline !== undefined) return { file: undefined, text: inline };
  const file = path.resolve(context, dockerfile ?? 'Dockerfile');
  try {
    return { file, text: await readText(file, { within: fenceOf(file, context) }) };
  } catch (error) {
    if (!isMissing(error))
      return fail('config', `the Dockerfile ${file} can't be read: ${messageOf(error)}`, {
        hint: 'it has to be a regular file in its build context that you may read',
        cause: error,
      });
    return fail('config', `there is no Dockerfile at ${file}`, {
      hint: 'name the folder with --build and the file in it with --file',
      cause: error,
    });
  }
}

function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(String((error as NodeJS.ErrnoException).code));
}

/** A build's context as a stream of a tar archive, and the path of the Dockerfile in it. */
export async function openContext(
  spec: BuildSpec,
  { file, text }: Dockerfile,
): Promise<{ readonly dockerfile: string; readonly archive: AsyncIterable<Uint8Array> }> {
  const relative = file === undefined ? undefined : toSlashes(path.relative(spec.context, file));
  const inside = relative !== undefined && !relative.startsWith('../');
  const entries = await contextEntries(spec, file, inside ? relative : undefined);
  const extra = inside ? undefined : text;
  return { dockerfile: inside ? relative : EXTRA, archive: archiveOf(spec.context, entries, extra) };
}

// The builder needs the Dockerfile and .dockerignore, even if the latter leaves them out.
async function contextEntries(
  spec: BuildSpec,
  file: string | undefined,
  dockerfile: string | undefined,
): Promise<string[]> {
  const { leavesOut, closes } = ignoreOf((await ignoreFile(spec.context, file))?.patterns ?? []);
  const needed = new Set([dockerfile, '.dockerignore']);
  const above = (folder: string): boolean => [...needed].some((one) => one?.startsWith(`${folder}/`));
  const skip = (relative: string, folder: boolean): boolean => {
    if (needed.has(relative)) return false;
    return folder ? closes(relative) && !above(relative) : leavesOut(relative);
  };
  const entries: string[] = [];
  for await (const { relative } of walk(spec.context, skip)) entries.push(relative);
  return entries;
}

// Every entry by name: when a file vanishes while tar-fs walks by itself, it silently ends the archive. A named file that
// vanished is an error.
function archiveOf(context: string, entries: string[], dockerfile: string | undefined): AsyncIterable<Uint8Array> {
  if (entries.length === 0 && dockerfile === undefined) fail('config', `the build context ${context} is empty`);
  const options = {
    entries,
    ignore: () => true,
    umask: 0,
    // As docker does: local owners mean nothing in an image.
    map: (header: tar.Headers) => ({ ...header, uid: 0, gid: 0 }),
    ...(dockerfile === undefined
      ? {}
      : { finalize: false, finish: (pack: Pack) => pack.entry({ name: EXTRA }, dockerfile, () => pack.finalize()) }),
  };
  return packed(context, options);
}

function toSlashes(file: string): string {
  return path.sep === '/' ? file : file.split(path.sep).join('/');
}
