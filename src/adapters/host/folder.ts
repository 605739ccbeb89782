import { fail } from '../../core/model/error.ts';

/** The current folder. Raises `usage` if it was removed: swapctl must not guess relative paths. */
export function currentFolder(): string {
  try {
    return process.cwd();
  } catch {
    return fail('usage', 'the current folder was removed', {
      hint: 'change to an existing folder (try cd "$PWD")',
    });
  }
}
