import { fail } from '../core/error.ts';

/** The current folder. Raises `usage` where somebody removed it: what is to be read from it is not to be guessed. */
export function currentFolder(): string {
  try {
    return process.cwd();
  } catch {
    return fail('usage', 'the folder that you are in was removed', {
      hint: 'cd to one that is there (cd "$PWD", say)',
    });
  }
}
