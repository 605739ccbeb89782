import type { Terminal } from './terminal.ts';

/** One JSON document with a line end: indented for people, on one line for programs. */
export function jsonText(document: unknown, terminal: Pick<Terminal, 'stdoutIsTty'>): string {
  const text = JSON.stringify(document ?? null, undefined, terminal.stdoutIsTty ? 2 : undefined);
  return `${text.replace(/[\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g, escaped)}\n`;
}

// JSON.stringify keeps these, and a terminal may obey them. They occur only in strings.
function escaped(control: string): string {
  return `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
