// The matcher of `npm run words`.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { matcher, oldWords } from '../../scripts/words.mjs';

const phrasesIn = matcher(['home', 'mend', 'even out', 'way', 'put back', 'back-up', 'tell', 'forward']);

for (const [line, phrases] of [
  ['// What a killed roll left', ['What']],
  ['  /** Whether a user stopped it. */', ['Whether']],
  [' * It stops. Whoever finds it knows.', ['Whoever']],
  ['- That is all.', ['That']],
  ['Where does it look? In the folder.', []],
  ['// The place where it looks', []],
  ['// Somebody removed it', ['Somebody']],
  ['the one that serves', []],
  ['One that serves stays', ['One that']],
  ['a container, or one that serves', ['one that']],
  ['the home folder of the user, /home/me', []],
  ['a way to reach it, in this way', []],
  ['the way to follow', ['way']],
  ['nobody can tell', []],
  ["so that recovery can tell our stop from a user's", []],
  ['it tells them apart', []],
  ['it tells of a roll', ['tells']],
  ['the header X-Forwarded-For', []],
  ['kernel.forward(from, to)', ['forward']],
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

for (const [before, line, phrases] of [
  ['// The label proves', '// That it runs.', []],
  ['  /** The label proves', '   * That it runs.', []],
  ['The label proves', 'That it runs.', []],
  ['// It runs.', '// That it runs is proven.', ['That']],
  ['// The label proves', '// it. That it runs is proven.', ['That']],
  ['const a = 1;', '// That it runs is proven.', ['That']],
] satisfies [string, string, string[]][])
  test(`words: ${before.trim()} ${line.trim()}`, () => assert.deepEqual(phrasesIn(line, before), phrases));

test('a word that is old only in code is fine in docs', () => {
  const glossary = '| incumbent | serves | `the old one` (in code), `home` |';
  assert.deepEqual([oldWords(glossary), oldWords(glossary, false)], [['the old one', 'home'], ['home']]);
});

test('the old words are those in code type in the last column of the glossary', () => {
  const words = oldWords(readFileSync(new URL('../../docs/glossary.md', import.meta.url), 'utf8'));
  assert.ok(words.includes('home') && words.includes('even out'), words.join());
  for (const word of ['start-first', 'swapctl.track', 'strategy']) assert.ok(!words.includes(word), word);
});
