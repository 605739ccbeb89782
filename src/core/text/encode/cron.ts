import { fail } from '../../model/error.ts';
import { printable } from '../suggest.ts';

/**
 * A word of the command in a line of a crontab. cron reads `\%` as a percent sign and a bare one as the end of the command, and
 * some crons read `\\` as one backslash. So a backslash must stand next to neither: it ends its quotes, and new ones begin.
 */
export function cronWord(word: string): string {
  if (PLAIN_WORD.test(word)) return word;
  mustHaveNoControl(word);
  return `'${word.replace(/['\\%]/g, (letter) => QUOTED[letter] ?? letter)}'`;
}

const PLAIN_WORD = /^[\w@+=:,./-]+$/;
const QUOTED: Readonly<Record<string, string>> = { "'": "'\\''", '\\': "\\''", '%': '\\%' };

/** A line of a crontab that sets a variable. Raises `usage` for a value that no quotes can hold. */
export function cronVariable(name: string, value: string): string {
  mustHaveNoControl(value);
  if (/^[^\s"'\\]*$/.test(value)) return `${name}=${value}`;
  const quote = ['"', "'"].find((one) => !value.includes(one));
  if (quote === undefined || value.includes('\\'))
    return fail('usage', `${name} is ${printable(value)}, which no crontab can hold`, {
      hint: 'use --systemd, or a value without quotes and backslashes',
    });
  return `${name}=${quote}${value}${quote}`;
}

function mustHaveNoControl(text: string): void {
  if (/[\x00-\x1f\x7f]/.test(text))
    fail('usage', `${printable(text)} has a control character in it, which cron does not take`);
}
