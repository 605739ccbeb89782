import { sanitizeText } from '../sanitize.ts';

/**
 * Foreign text as one line of HTML within a Markdown page (GitHub's comments and run pages): without tags, entities, line breaks
 * and mentions. Empty for an empty text.
 */
export function htmlText(text: string): string {
  // A word joiner behind @ and # keeps GitHub from notifying users and linking issues.
  return withEntities(text).replace(/(?<![\w/])[@#](?=\w)/g, '$&&NoBreak;');
}

/** The same for a line of `<pre>`. Never blank: a line of blanks ends the block, and what follows would be Markdown. */
export function htmlLogLine(text: string): string {
  const line = withEntities(text);
  return line.trim() === '' ? '&#160;' : line;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

function withEntities(text: string): string {
  return sanitizeText(text).replace(/[&<>"']/g, (letter) => ENTITIES[letter] ?? letter);
}
