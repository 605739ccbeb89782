// Remove whole sequences (colours, titles, cursor movements), so that the words of a coloured log line remain. No body contains
// the start of another sequence: otherwise an endless one would be searched again from each start.
const SEQUENCE =
  /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90\x98\x9c-\x9f]*(?:\x07|\x1b\\|\x9c)|\x1b[ -/]*[0-Z\\^-~]/g;
const SPACE = /[\t\n\r\u2028\u2029]+/g;
// C0, DEL and C1, and the characters that change the direction of text.
const CONTROL = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
// The maximum length of a line for people: text from outside has no limit.
const LONGEST = 32_000;

/** Makes one line of foreign text safe to print: without escape sequences, line breaks and invisible characters. */
export function sanitizeText(text: string): string {
  return clipText(text, LONGEST).replace(SEQUENCE, '').replace(SPACE, ' ').replace(CONTROL, visibly);
}

/** A text of at most `most` characters; `…` marks a cut. */
export function clipText(text: string, most: number): string {
  if (text.length <= most) return text;
  // Never cut a surrogate pair in two.
  return `${text.slice(0, Math.max(0, most - 1)).replace(/[\ud800-\udbff]$/, '')}…`;
}

function visibly(control: string): string {
  const code = control.charCodeAt(0);
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}
