// docs/engine-facts.md explains each fact that a comment or a test name cites by its number, and no other.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test, { suite } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const FOLDERS = ['src', 'test', 'bench', 'scripts', 'demo'];
// The samples in this file cite nothing.
const SELF = path.join('test', 'docs', 'engine-facts.test.ts');

const entries = entriesOf(readFileSync(path.join(ROOT, 'docs/engine-facts.md'), 'utf8'));
const cited = citedIn(FOLDERS.flatMap(sourcesIn));

suite('docs/engine-facts.md', () => {
  test('has an entry for each number that is cited', () => {
    assert.ok(cited.size > 20, `${cited.size} citations are found`);
    const missing = [...cited].filter(([fact]) => !entries.has(fact));
    assert.deepEqual(missing, []);
  });

  test('has no entry that nothing cites, and none twice', () => {
    assert.deepEqual(
      [...entries.keys()].filter((fact) => !cited.has(fact)),
      [],
    );
    assert.deepEqual(
      [...entries].filter(([, texts]) => texts.length > 1),
      [],
    );
  });

  for (const [fact, [text = '']] of entries) {
    test(`${fact} has a fact, what it means for swapctl, and a source`, () => {
      assert.match(text, /^\n*[^\s*][\s\S]+?\n\n\*\*For swapctl:\*\* [\s\S]+?\n\n\*\*Source:\*\* \S/);
    });
  }
});

suite('citations', () => {
  for (const [text, numbers] of [
    ['// the engine fills in the other (T24).', ['T24']],
    ['// (a registry may answer in turns, T41), and (T35: match by digest)', ['T41', 'T35']],
    ["suite('each field (T1 to T3)', …", ['T1', 'T2', 'T3']],
    ["test('(T7, T10, T12)', …", ['T7', 'T10', 'T12']],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a piece of source
    ['Date.parse(`${day}T00:00Z`), { token: "T1" }, "Bearer T1"', []],
  ] as const)
    test(`of ${text}`, () => assert.deepEqual(citationsOf(text), numbers));
});

/** The text of each entry, by its number. */
function entriesOf(page: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [, fact = '', text = ''] of page.matchAll(/^## (T\d+)\n([\s\S]*?)(?=^##? |$(?![\s\S]))/gm))
    found.set(fact, [...(found.get(fact) ?? []), text]);
  return found;
}

function sourcesIn(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => path.join(folder, name))
    .filter((name) => /\.(ts|mts|mjs)$/.test(name) && name !== SELF);
}

/** The files that cite each number. */
function citedIn(files: readonly string[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const file of files)
    for (const fact of new Set(citationsOf(readFileSync(path.join(ROOT, file), 'utf8'))))
      found.set(fact, [...(found.get(fact) ?? []), file]);
  return found;
}

/** The numbers that a text cites; a range stands for each number in it. */
function citationsOf(text: string): string[] {
  return [...text.matchAll(/(?<=[(\s])T(\d+)(?: to T(\d+))?(?=[),: ])/g)].flatMap(([, first, last = first]) =>
    Array.from({ length: Number(last) - Number(first) + 1 }, (_, at) => `T${Number(first) + at}`),
  );
}
