// Links between the pages of this repository lead to a file, and to a heading in it.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

function pages(): string[] {
  const below = (folder: string, recursive: boolean): string[] =>
    readdirSync(path.join(ROOT, folder), { recursive, encoding: 'utf8' }).map((name) => path.join(folder, name));
  return [...below('', false), ...below('docs', true), ...below('test/lab', false)].filter((name) =>
    name.endsWith('.md'),
  );
}

/** What a page links to, without web addresses: a path from the root, and a heading or ''. */
function linksOf(page: string): { readonly file: string; readonly heading: string }[] {
  const text = readFileSync(path.join(ROOT, page), 'utf8').replace(/```[\s\S]*?```/g, '');
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [file = '', heading = ''] = target.split('#');
      return { file: file === '' ? page : path.join(path.dirname(page), file), heading };
    });
}

/** The anchors that GitHub makes of the headings of a page. */
function anchorsOf(page: string): string[] {
  const text = readFileSync(path.join(ROOT, page), 'utf8').replace(/```[\s\S]*?```/g, '');
  return [...text.matchAll(/^#{1,6} (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

test('every link between pages leads somewhere', () => {
  const broken = pages().flatMap((page) =>
    linksOf(page)
      .filter(
        ({ file, heading }) => !existsSync(path.join(ROOT, file)) || (heading && !anchorsOf(file).includes(heading)),
      )
      .map(({ file, heading }) => `${page}: ${file}#${heading}`),
  );
  assert.deepEqual(broken, []);
});

test('every page can be reached from the README', () => {
  const reached = new Set(['README.md']);
  for (const page of reached)
    for (const { file } of linksOf(page))
      if (file.endsWith('.md') && existsSync(path.join(ROOT, file))) reached.add(file);
  const left = pages().filter((page) => !reached.has(page) && !['CHANGELOG.md', 'SECURITY.md'].includes(page));
  assert.deepEqual(left, []);
});
