// docs/security.md names a test for each of its claims: all of them exist.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test, { suite } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const TEXT = readFileSync(path.join(ROOT, 'docs/security.md'), 'utf8');
const ACTORS = [
  'image author',
  'container author',
  'registry',
  'repository',
  'folder',
  'other user of the machine',
  'client of the server',
];

/** The cells of the rows that begin with a name in bold. */
const rows = TEXT.split('\n')
  .filter((line) => line.startsWith('| **'))
  .map((line) =>
    line
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim())
      .slice(1, -1),
  );

suite('the threat model', () => {
  test('names tests, files and folders that are there', () => {
    const named = [...TEXT.matchAll(/`(test\/[\w./-]+)`|\((src\/[\w./-]+)\)/g)].map(
      ([, test, source]) => test ?? source ?? '',
    );
    assert.ok(named.length > 20);
    assert.deepEqual(
      named.filter((file) => !existsSync(path.join(ROOT, file))),
      [],
    );
  });

  test('has a row for each who can set something, with what each can, what not, and a test', () => {
    for (const actor of ACTORS) {
      const row = rows.find(([who]) => who?.startsWith(`**${actor}`)) ?? assert.fail(`no row for: ${actor}`);
      assert.equal(row.length, 5, actor);
      const [, , can, cannot, shown] = row;
      assert.ok(can, actor);
      // A missing feature has no test.
      if (can.includes('there is no server yet')) continue;
      assert.ok(cannot, actor);
      assert.match(shown ?? '', /`test\//, actor);
    }
  });

  test('is linked where people look for it', () => {
    assert.match(readFileSync(path.join(ROOT, 'SECURITY.md'), 'utf8'), /docs\/security\.md/);
  });
});
