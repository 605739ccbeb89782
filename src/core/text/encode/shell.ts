/** A word of a POSIX shell command, for a command line on another machine or in a message. */
export function shellWord(text: string): string {
  return PLAIN_WORD.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

const PLAIN_WORD = /^[\w@+=:,./-]+$/;

/** Words that a command takes as operands, even if they look like its options. */
export function shellOperands(texts: readonly string[]): string {
  const words = texts.map(shellWord).join(' ');
  return texts.some((text) => text.startsWith('-')) ? `-- ${words}` : words;
}
