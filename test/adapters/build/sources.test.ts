import assert from 'node:assert/strict';
import { chmodSync, rmSync } from 'node:fs';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { openSources } from '../../../src/adapters/build/sources.ts';
import type { Change, WatchedTree } from '../../../src/core/build/develop.ts';
import { eventually } from '../../lab/waiting.ts';
import { folderOf, put } from './files.ts';

const tree = (root: string, more: Partial<WatchedTree> = {}): WatchedTree => ({
  path: root,
  ignore: [],
  include: [],
  ...more,
});

/** Watches, and reports changes: `1,2 +path` for the trees in which a file counts. */
async function watching(t: TestContext, trees: WatchedTree[], root: string, pollMs?: number) {
  const end = new AbortController();
  t.after(() => end.abort());
  const seen = new Set<string>();
  await openSources().watch(trees, { pollMs, signal: end.signal }, (change: Change) => {
    seen.add(`${change.trees.join()} ${change.removed ? '-' : '+'}${path.relative(root, change.path)}`);
  });
  const saw = (...expected: string[]) =>
    eventually(
      `${expected} and not only ${[...seen]}`,
      async () => expected.every((one) => seen.has(one)) || undefined,
    );
  return { seen, saw };
}

for (const pollMs of [undefined, 100])
  test(`what changes counts in its trees only${pollMs ? ', also by polling' : ''}`, async (t) => {
    const root = folderOf(t, {
      'src/a.js': '1',
      'src/gone.js': '1',
      'node_modules/x': '1',
      Dockerfile: '1',
      'docs/a.md': '1',
    });
    const outside = { context: root, ignored: ['node_modules', 'Dockerfile', '**/*.log'] };
    const trees = [
      tree(root, { outside }),
      tree(path.join(root, 'src'), { ignore: ['*.tmp'], outside }),
      tree(path.join(root, 'Dockerfile')),
      tree(root, { include: ['**/*.md'] }),
    ];
    const { seen, saw } = await watching(t, trees, root, pollMs);
    put(root, { 'node_modules/x': '2', 'src/x.log': '2', '.git/index': '2', 'src/.a.js.swp': '2', 'src/a.js~': '2' });
    put(root, { 'src/a.js': '22', 'src/new/b.js': '2', 'src/c.tmp': '2', Dockerfile: '22', 'docs/a.md': '22' });
    rmSync(path.join(root, 'src/gone.js'));
    await saw(
      '0,1 +src/a.js',
      '0,1 +src/new/b.js',
      '0 +src/c.tmp',
      '2 +Dockerfile',
      '0,3 +docs/a.md',
      '0,1 -src/gone.js',
    );
    assert.equal(seen.size, 6, [...seen].join('\n'));
  });

test('an exception in .dockerignore is seen below a folder that is left out', async (t) => {
  const root = folderOf(t, { 'src/app/a.js': '1', 'src/other/b.js': '1', 'docs/x': '1' });
  const { seen, saw } = await watching(
    t,
    [tree(root, { outside: { context: root, ignored: ['*', '!src/app'] } })],
    root,
  );
  put(root, { 'docs/x': '2', 'src/other/b.js': '2' });
  put(root, { 'src/app/a.js': '2' });
  await saw('0 +src/app/a.js');
  assert.deepEqual([...seen], ['0 +src/app/a.js']);
});

test('what is to be watched has to be there', async (t) => {
  const root = folderOf(t, {});
  await assert.rejects(watching(t, [tree(path.join(root, 'lost'))], root), { code: 'config' });
});

test('the files of a tree', async (t) => {
  const root = folderOf(t, { 'a/b': '1', 'a/c.tmp': '1', 'node_modules/x': '1' });
  const found = await openSources().list(
    tree(root, { ignore: ['**/*.tmp'], outside: { context: root, ignored: ['node_modules'] } }),
  );
  assert.deepEqual(found, [path.join(root, 'a/b')]);
  assert.deepEqual(await openSources().list(tree(path.join(root, 'a/b'))), [path.join(root, 'a/b')]);
  chmodSync(path.join(root, 'a/b'), 0o600);
});
