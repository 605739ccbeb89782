// Whole sequences go (colours, titles, cursor movements): of a coloured log line the words should remain. No body has the beginning
// of another sequence in it: so that one that never ends is not looked through again from each of its beginnings.
const SEQUENCE =
  /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90\x98\x9c-\x9f]*(?:\x07|\x1b\\|\x9c)|\x1b[ -/]*[0-Z\\^-~]/g;
const SPACE = /[\t\n\r\u2028\u2029]+/g;
// C0, DEL and C1, and what turns the direction of writing around.
const CONTROL = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
// No line for people is longer, and what strangers write has no end.
const LONGEST = 32_000;

/** One line of anybody's text, made safe to print: no escape sequence, no line break, no invisible trick reaches the reader. */
export function harmlessText(text: string): string {
  return clipText(text, LONGEST).replace(SEQUENCE, '').replace(SPACE, ' ').replace(CONTROL, visibly);
}

/** At most so many characters of a text; what was cut off leaves `…`. */
export function clipText(text: string, most: number): string {
  if (text.length <= most) return text;
  // Not through the middle of a letter that takes two places.
  return `${text.slice(0, Math.max(0, most - 1)).replace(/[\ud800-\udbff]$/, '')}…`;
}

function visibly(control: string): string {
  const code = control.charCodeAt(0);
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}
