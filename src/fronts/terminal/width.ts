import stringWidth from 'string-width';

/** The number of columns of a coloured text: wide letters take two. */
export function visibleWidth(text: string): number {
  return stringWidth(text);
}

/** A text cut to a number of columns, with a sign for the cut. */
export function clip(text: string, width: number): string {
  if (visibleWidth(text) <= width) return text;
  let shown = '';
  let left = width - 1;
  for (const { segment } of LETTERS.segment(text)) {
    left -= visibleWidth(segment);
    if (left < 0) break;
    shown += segment;
  }
  return `${shown}…`;
}

// As people see them: an emoji of several code points is one.
const LETTERS = new Intl.Segmenter();

/** A sentence as lines that break between words. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && visibleWidth(last) + 1 + visibleWidth(word) <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
