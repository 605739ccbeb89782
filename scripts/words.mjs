// npm run words [-- FILE|FOLDER…]: lines that use an old word of docs/glossary.md or break one of its prose rules. A list to read: it never fails.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const GLOSSARY = 'docs/glossary.md';
const LOOKED_AT = ['src', 'test', 'scripts', 'demo', 'bench', 'docs', 'README.md', 'CONTRIBUTING.md', 'action.yml'];
// They quote what they are about.
const SKIPPED = [GLOSSARY, 'scripts/words.mjs', 'test/docs/words.test.ts'];

const OPENERS = ['What', 'Who', 'Whoever', 'Whom', 'Where', 'Whether', 'That'];
const PRONOUNS = ['somebody', 'whoever', 'whomever', 'whom', 'one that', 'those that', 'those who'];
const HOUSEHOLD = ['at the most'];

/** The words in `code` type in the last column of the glossary's table. */
export function oldWords(glossary) {
  return glossary
    .split('\n')
    .filter((line) => /^\| (?!term |-|\*\*)/.test(line))
    .flatMap((line) => [...(line.split('|').at(-2) ?? '').matchAll(/`([^`]+)`/g)].map(([, word]) => word));
}

/** A function from a line to the phrases in it that a reader should look at. */
export function matcher(old) {
  const patterns = [sentenceOpener(), ...[...old, ...PRONOUNS, ...HOUSEHOLD].map(asPattern)];
  return (line) => [...new Set(patterns.flatMap((pattern) => pattern.exec(line)?.[0] ?? []))];
}

/** At the start of a comment or a sentence, unless it is a question. */
function sentenceOpener() {
  return new RegExp(`(?<=^\\s*|// |\\* |[.!?] |[|-] )(?:${OPENERS.join('|')})\\b(?![^.]*\\?)`);
}

/** A word or phrase in any of its forms, also as a part of an identifier: `even out` is in evenOut, even-out and evened out. */
function asPattern(phrase) {
  const [first = '', ...others] = phrase.split(' ');
  const rest = others.map((word) => `[ -]?${anyCase(word)}`).join('');
  const end = `${rest === '' ? '' : '(?:ed)?'}${rest}(?:s|d|ed|ing)?(?![a-z])`;
  return new RegExp(`(?<![A-Za-z])${first}${end}|${first.charAt(0).toUpperCase()}${first.slice(1)}${end}`);
}

function anyCase(word) {
  const initial = word.charAt(0);
  return `[${initial}${initial.toUpperCase()}]${word.slice(1)}`;
}

function filesBelow(place) {
  const at = path.join(ROOT, place);
  if (!existsSync(at)) return [];
  if (statSync(at).isFile()) return [place];
  return readdirSync(at, { recursive: true, encoding: 'utf8' })
    .map((name) => path.join(place, name))
    .filter((name) => /\.(ts|mjs|md|yml)$/.test(name) && !name.includes('node_modules'))
    .sort();
}

function found(file, phrasesIn) {
  const lines = readFileSync(path.join(ROOT, file), 'utf8').split('\n');
  return lines.flatMap((line, index) => {
    const phrases = phrasesIn(line);
    return phrases.length > 0 ? [{ at: `${file}:${index + 1}`, phrases, line: line.trim() }] : [];
  });
}

function main(places) {
  process.stdout.on('error', () => {}); // `npm run words | head`
  const phrasesIn = matcher(oldWords(readFileSync(path.join(ROOT, GLOSSARY), 'utf8')));
  const files = (places.length > 0 ? places : LOOKED_AT).flatMap(filesBelow).filter((file) => !SKIPPED.includes(file));
  const groups = files.map((file) => found(file, phrasesIn)).filter((lines) => lines.length > 0);
  const text = groups.map((lines) =>
    lines.map(({ at, phrases, line }) => `${at}  [${phrases.join(', ')}]  ${line}`).join('\n'),
  );
  const total = groups.flat().length;
  process.stdout.write(`${[...text, `${total} lines in ${groups.length} of ${files.length} files`].join('\n\n')}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv.slice(2));
