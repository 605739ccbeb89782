import fc from 'fast-check';

const range = (min: number, max: number) => fc.integer({ min, max });

/** Any character: a third of them ASCII, the others of all planes. fast-check's own `unit: 'binary'` takes a second to make. */
const anyCharacter = fc
  .oneof(range(0, 0x7f), range(0, 0xd7ff), range(0xe000, 0x10ffff))
  .map((code) => String.fromCodePoint(code));

/** Texts of any characters. */
export const anyCharacters = fc.string({ unit: anyCharacter });
