import { fail } from '../../model/error.ts';
import { printable } from '../suggest.ts';

const PLAIN_WORD = /^[\w@+=:,./-]+$/;

/**
 * A word of a command line of systemd (systemd.service(5), "Command lines"). systemd expands `$` and `%` within quotes, too; but
 * no variable in the first word, the program's path. Raises `usage` for a word that no unit can hold.
 */
export function systemdWord(word: string, at: number): string {
  if (PLAIN_WORD.test(word)) return word;
  if (at === 0 && /["'\\]/.test(word))
    return fail('usage', `${printable(word)} has quotes in it, which systemd does not take in the path of a program`);
  return systemdQuoted(at === 0 ? word : word.replaceAll('$', '$$$$'));
}

/** A value in quotes, in which systemd expands only `%`. */
export function systemdQuoted(text: string): string {
  if (/[\x00-\x1f\x7f]/.test(text))
    return fail('usage', `${printable(text)} has a control character in it, which systemd does not take`);
  const escaped = text.replace(/[\\"]/g, '\\$&').replaceAll('%', '%%');
  return PLAIN_WORD.test(text) ? text : `"${escaped}"`;
}
