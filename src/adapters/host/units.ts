import { constants } from 'node:fs';
import { access, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fail, messageOf } from '../../core/model/error.ts';
import { UNIT_MARK, type UnitFile, type WrittenUnit } from '../../core/update/units.ts';
import { readText } from '../files/read.ts';

/**
 * Writes files for cron or systemd, each at once or not at all. Raises `refused`, before it writes anything, for a file of
 * another origin (unless forced) and a folder that is missing or not writable.
 */
export async function writeUnits(files: readonly UnitFile[], { force }: { force: boolean }): Promise<WrittenUnit[]> {
  const before = await Promise.all(files.map((file) => present(file.path)));
  for (const [at, { path: name }] of files.entries()) {
    const content = before[at];
    if (content !== undefined && !content.includes(UNIT_MARK) && !force)
      return fail('refused', `${name} is there, and swapctl did not write it`, {
        hint: 'look at it, and overwrite it with --force; --print shows what would be written',
      });
    await writable(path.dirname(name));
  }
  const written: WrittenUnit[] = [];
  for (const [at, file] of files.entries()) {
    const same = before[at] === file.content;
    if (!same) await replace(file);
    written.push({ path: file.path, outcome: same ? 'unchanged' : 'written' });
  }
  return written;
}

/** The existing ones among some files. */
export async function presentOf(paths: readonly string[]): Promise<string[]> {
  const found = await Promise.all(paths.map(async (name) => ((await present(name)) === undefined ? [] : [name])));
  return found.flat();
}

async function present(name: string): Promise<string | undefined> {
  try {
    return await readText(name);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    // An unreadable file has another origin.
    return '';
  }
}

async function writable(folder: string): Promise<void> {
  try {
    await access(folder, constants.W_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return fail('refused', `there is no ${folder} on this machine`, { hint: ABSENT });
    return fail('refused', `${folder} can't be written to: ${code ?? messageOf(error)}`, {
      hint: 'run it as root (sudo), or use --print',
      cause: error,
    });
  }
}

const ABSENT = 'is cron, or systemd, installed? --print shows what would be written';

// By a new file beside it, so that no reader sees half of one; neither cron nor systemd reads names with this ending.
async function replace({ path: name, content }: UnitFile): Promise<void> {
  const beside = `${name}.swapctl-new`;
  try {
    await writeFile(beside, content, { mode: 0o644 });
    await rename(beside, name);
  } catch (error) {
    await rm(beside, { force: true });
    fail('step-failed', `${name} can't be written: ${messageOf(error)}`, { cause: error });
  }
}
