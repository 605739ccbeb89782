import fc from 'fast-check';

const range = (min: number, max: number) => fc.integer({ min, max });

/** Any character: a third of them ASCII, the others of all planes. fast-check's own `unit: 'binary'` takes a second to make. */
const anyCharacter = fc
  .oneof(range(0, 0x7f), range(0, 0xd7ff), range(0xe000, 0x10ffff))
  .map((code) => String.fromCodePoint(code));

/** Texts of any characters. */
export const anyCharacters = fc.string({ unit: anyCharacter });

/** Words that a shell, cron, nft, a terminal, a chat or a page obeys, and a few that mean nothing anywhere. */
export const OBEYED_WORDS: readonly string[] = [
  '\\',
  '%',
  '\\%',
  "'",
  '"',
  '`',
  '```',
  '$',
  '$(id)',
  '{',
  '}',
  '<',
  '>',
  '&',
  '&lt',
  '&lt;',
  '@everyone',
  '#1',
  '*',
  '_',
  '|',
  ';',
  '[a](b)',
  '<!channel>',
  '<!-- swapctl',
  '-->',
  '\n',
  '\n\n',
  '\r',
  '\t',
  ' ',
  '\x1b[0m',
  '\x1b]0;',
  '\x07',
  '\x9d',
  '\u202e',
  'a',
  'ä',
  '/',
  '=',
  '-',
  '~',
  '!',
  'https://x.example',
  '</pre>',
  '\u2028',
];
