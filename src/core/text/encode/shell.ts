/** A word of a POSIX shell's command, for a command line on another machine, or one that people copy out of a message. */
export function shellWord(text: string): string {
  return PLAIN_WORD.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

const PLAIN_WORD = /^[\w@+=:,./-]+$/;

/** Words that a command takes as names, even those that look like its options. */
export function shellOperands(texts: readonly string[]): string {
  const words = texts.map(shellWord).join(' ');
  return texts.some((text) => text.startsWith('-')) ? `-- ${words}` : words;
}
