// The matcher of `npm run words`.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { matcher, oldWords } from '../../scripts/words.mjs';

const phrasesIn = matcher(['home', 'mend', 'even out', 'way', 'put back', 'back-up']);

for (const [line, phrases] of [
  ['// What a killed roll left', ['What']],
  ['  /** Whether a user stopped it. */', ['Whether']],
  [' * It stops. Whoever finds it knows.', ['Whoever']],
  ['- That is all.', ['That']],
  ['Where does it look? In the folder.', []],
  ['// The place where it looks', []],
  ['// Somebody removed it', ['Somebody']],
  ['the one that serves', ['one that']],
  ['const base = homeOf(slot);', ['home']],
  ['names.home', ['home']],
  ["path.join(process.env.HOME ?? '', 'x')", []],
  ['async function mended()', ['mended']],
  ['a recommended value', []],
  ['evenOut(slots)', ['evenOut']],
  ["import './even-out.ts'", ['even-out']],
  ['the replicas are evened out', ['evened out']],
  ['type Way = string', ['Way']],
  ['always a gateway', []],
  ['a back-up of the volumes', ['back-up']],
  ['const backup = putBack();', ['putBack']],
] satisfies [string, string[]][])
  test(`words: ${line.trim()}`, () => assert.deepEqual(phrasesIn(line), phrases));

test('the old words are those in code type in the last column of the glossary', () => {
  const words = oldWords(readFileSync(new URL('../../docs/glossary.md', import.meta.url), 'utf8'));
  assert.ok(words.includes('home') && words.includes('even out'), words.join());
  for (const word of ['start-first', 'swapctl.track', 'strategy']) assert.ok(!words.includes(word), word);
});
