// docs/architecture.md describes the folders that there are, and names files that exist.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import test, { suite } from 'node:test';

const page = readFileSync(new URL('../../docs/architecture.md', import.meta.url), 'utf8');
const inRoot = (path: string): URL => new URL(`../../${path}`, import.meta.url);
/** The headings of sections, and the names that each quotes. */
const sections = new Map(
  page.split(/^#{2,3} /m).map((text) => {
    const [heading = ''] = text.split('\n', 1);
    return [heading, quoted(text)] as const;
  }),
);

suite('docs/architecture.md', () => {
  test('has a section for each folder and file at the top of src/', () => {
    const described = [...sections.keys()].flatMap(quoted).filter((name) => name.startsWith('src/'));
    const there = readdirSync(inRoot('src/'), { withFileTypes: true }).map(
      (entry) => `src/${entry.name}${entry.isDirectory() ? '/' : ''}`,
    );
    assert.deepEqual(described.sort(), there.sort());
  });

  test('has an invariant in each of these sections', () => {
    const texts = page.split(/^#{2,3} /m).filter((text) => text.startsWith('`src/'));
    assert.deepEqual(
      texts.filter((text) => !text.includes('\n*Invariant: ')).map((text) => text.split('\n', 1)[0]),
      [],
    );
  });

  test('names only files and folders that exist', () => {
    const missing = [...sections].flatMap(([heading, names]) =>
      names.filter(isPath).filter((name) => !exists(name, foldersOf(heading))),
    );
    assert.deepEqual(missing, []);
  });

  test('fits on 150 lines', () => {
    assert.ok(page.split('\n').length <= 151, `${page.split('\n').length - 1} lines`);
  });
});

function quoted(text: string): string[] {
  return [...text.matchAll(/`([^`\n]+)`/g)].map(([, name = '']) => name);
}

function isPath(name: string): boolean {
  return /^[\w./-]+(\.ts|\.md|\/)$/.test(name) && name !== 'swapctl-rollback/';
}

function foldersOf(heading: string): string[] {
  return quoted(heading).filter((name) => name.endsWith('/'));
}

/** A name stands for a path from the root, or from the folder of its section, or from one in which files are named for short. */
function exists(name: string, folders: readonly string[]): boolean {
  const places = ['', ...folders, ...folders.map((folder) => `src/${folder}`), 'src/', 'src/core/'];
  return places.some((folder) => existsSync(inRoot(`${folder}${name}`)));
}
