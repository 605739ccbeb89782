import { fail } from '../../core/model/error.ts';

/** The current folder. Raises `usage` where somebody removed it: what is to be read from it is not to be guessed. */
export function currentFolder(): string {
  try {
    return process.cwd();
  } catch {
    return fail('usage', 'the current folder was removed', {
      hint: 'change to an existing folder (try cd "$PWD")',
    });
  }
}
