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

// An opener stands at the start of a comment, a title or a sentence, unless it is a question.
const NO_QUESTION = `(?:${OPENERS.join('|')})\\b(?![^.]*\\?)`;
const AFTER_SENTENCE = new RegExp(`(?<=[.!?] )${NO_QUESTION}`);
const OPENER = new RegExp(`(?<=^\\s*|// |\\* |[.!?] |[|-] )${NO_QUESTION}`);

// The listed words in their ordinary sense. Each line is read without these phrases.
const ORDINARY = [
  /\bhome (?:folder|directory)|\/home\/|\b(?:world|context|env)\??\.home\b/gi, // a user's, not a slot's
  /\bways? (?:to|of|in|into|out|from|through|back to)\b(?! follow)/g, // a means or a path, not a strategy
  /\b(?:in|by|on|under) (?:\w+ ){0,2}ways?\b|\b(?:either|both|no|half|all the|the same|the other) ways?\b/g,
  /\b(?:can|can't|cannot|could|couldn't) (?:only |not |never )?tell\b|\btell(?:s|ing)? (?:\S+ ){1,5}(?:from|apart)\b/g, // to discern, not to notify
  /\bX-Forwarded[\w-]*|\bx_?forwarded\w*|\bforwarded header|\bforward slash\w*|\bforwards and back/gi, // HTTP, paths and history
  /\b[Rr]edirects? (?:is|are|was|were) followed|\bfollowed by\b/g, // a pointer or an order, not a reference
  /\b(?:the|only) one that\b/gi, // its noun stands before it
];

/** The words in `code` type in the last column of the glossary's table; `(in code)` limits a word to code. */
export function oldWords(glossary, inCode = true) {
  return glossary
    .split('\n')
    .filter((line) => /^\| (?!term |-|\*\*)/.test(line))
    .flatMap((line) => [...(line.split('|').at(-2) ?? '').matchAll(/`([^`]+)`( \(in code\))?/g)])
    .flatMap(([, word, onlyCode]) => (onlyCode && !inCode ? [] : [word]));
}

/** A function from a line, and the line before it, to the phrases in it that a reader should look at. */
export function matcher(old) {
  const words = [...old, ...PRONOUNS, ...HOUSEHOLD].map(asPattern);
  return (line, before = '') => {
    const rest = ORDINARY.reduce((text, phrase) => text.replace(phrase, ''), line);
    const opener = (continues(line, before) ? AFTER_SENTENCE : OPENER).exec(line)?.[0] ?? [];
    return [...new Set([opener, words.flatMap((pattern) => pattern.exec(rest)?.[0] ?? [])].flat())];
  };
}

/** A wrapped line goes on with the sentence of the line before it, so its first word opens nothing. */
function continues(line, before) {
  const kind = /^\s*(?:\/\/|\*|[A-Z])/;
  const wrapped = kind.test(line) && kind.test(before.replace('/**', ' *')) && !/^\s*[-|#]/.test(line);
  return wrapped && /[^\s/*.!?:|]\s*$/.test(before);
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
    const phrases = phrasesIn(line, lines[index - 1]);
    return phrases.length > 0 ? [{ at: `${file}:${index + 1}`, phrases, line: line.trim() }] : [];
  });
}

function main(places) {
  process.stdout.on('error', () => {}); // `npm run words | head`
  const glossary = readFileSync(path.join(ROOT, GLOSSARY), 'utf8');
  const [inCode, inDocs] = [matcher(oldWords(glossary)), matcher(oldWords(glossary, false))];
  const files = (places.length > 0 ? places : LOOKED_AT).flatMap(filesBelow).filter((file) => !SKIPPED.includes(file));
  const groups = files
    .map((file) => found(file, /\.(?:md|yml)$/.test(file) ? inDocs : inCode))
    .filter((lines) => lines.length > 0);
  const text = groups.map((lines) =>
    lines.map(({ at, phrases, line }) => `${at}  [${phrases.join(', ')}]  ${line}`).join('\n'),
  );
  const total = groups.flat().length;
  process.stdout.write(`${[...text, `${total} lines in ${groups.length} of ${files.length} files`].join('\n\n')}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv.slice(2));
