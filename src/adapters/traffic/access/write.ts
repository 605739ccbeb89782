import { constants } from 'node:fs';
import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';

/** The name under which a file is written before it gets its own; hidden, so that no pattern of a proxy includes it. */
export function temporaryName(file: string): string {
  return path.posix.join(path.posix.dirname(file), `.${path.posix.basename(file)}${TEMPORARY}`);
}

/** The end of the names of files that were not finished. */
export const TEMPORARY = '.swapctl-new';

const MODE = 0o644;

/** Replaces a file of this machine by a rename in its folder, with the owner and mode of the file that it replaces. */
export async function replaceFile(file: string, text: string): Promise<void> {
  const target = await realpath(file).catch(() => file);
  const temporary = temporaryName(target);
  // One that a killed process has left.
  await rm(temporary, { force: true });
  const handle = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, MODE);
  try {
    await handle.writeFile(text);
    await likeBefore(handle, target);
    await handle.sync();
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

async function likeBefore(handle: FileHandle, target: string): Promise<void> {
  const before = await stat(target).catch(() => undefined);
  // The umask must not keep the proxy from reading it.
  if (before === undefined) return handle.chmod(MODE);
  await handle.chown(before.uid, before.gid);
  await handle.chmod(before.mode & 0o7777);
}
