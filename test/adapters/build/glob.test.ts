import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import fc from 'fast-check';
import { globOf } from '../../../src/adapters/build/glob.ts';
import { ignoreOf } from '../../../src/adapters/build/ignore.ts';

suite('a pattern of .dockerignore', () => {
  const cases: [pattern: string, yes: string[], no: string[]][] = [
    ['*', ['a', 'ab'], ['a/b']],
    ['*.md', ['a.md', '.md'], ['a/b.md', 'a.mdx']],
    ['a/*', ['a/b', 'a/'], ['a', 'a/b/c']],
    ['**', ['a', 'a/b/c'], []],
    ['**/x', ['x', 'a/x', 'a/b/x'], ['ax', 'a/bx', 'x/a']],
    ['a/**/b', ['a/b', 'a/x/b', 'a/x/y/b'], ['ab', 'a/xb', 'b']],
    ['a/**', ['a/b', 'a/b/c'], ['a', 'b/a']],
    ['**/*.log', ['a.log', 'x/y/b.log'], ['a.logs']],
    ['a?c', ['abc'], ['ac', 'a/c']],
    ['[a-c]x', ['ax', 'cx'], ['dx', '-x', '/x']],
    ['[^a]x', ['bx'], ['ax', '/x']],
    ['[]', ['[]'], ['a']],
    ['a[', ['a['], ['a']],
    ['\\*', ['*'], ['a']],
    ['a.b+(c)$', ['a.b+(c)$'], ['axb+(c)$', 'a.bb(c)$']],
    ['', [''], ['a']],
  ];
  for (const [pattern, yes, no] of cases)
    test(JSON.stringify(pattern), () => {
      const glob = globOf(pattern);
      assert.deepEqual(
        [...yes, ...no].filter((path) => glob(path)),
        yes,
      );
    });

  test('matches as the same pattern written as a regular expression does', () => {
    const parts = fc.constantFrom('a', 'b', '/', '*', '?', '**/', '**', '.');
    const paths = fc.array(fc.constantFrom('a', 'b', '/', '.'), { maxLength: 6 }).map((letters) => letters.join(''));
    const patterns = fc.array(parts, { maxLength: 5 }).map((all) => all.join(''));
    const written = (pattern: string): RegExp =>
      new RegExp(
        `^${pattern.replace(/\*\*\/?$|\*\*\/?|\*|\?|\./g, (sign, at: number) => {
          if (sign.startsWith('**')) return at + sign.length === pattern.length ? '.*' : '(.*/)?';
          return { '*': '[^/]*', '?': '[^/]', '.': '\\.' }[sign] ?? '';
        })}$`,
      );
    fc.assert(
      fc.property(patterns, paths, (pattern, path) => globOf(pattern)(path) === written(pattern).test(path)),
      { numRuns: 20_000 },
    );
  });

  test('takes no longer than the text is long, whatever the pattern', () => {
    const path = 'a'.repeat(200);
    for (const evil of ['*a'.repeat(60), '**/'.repeat(60), '**a'.repeat(60), '*?'.repeat(60), '[a-z]*'.repeat(60)])
      assert.equal(globOf(`${evil}b`)(path), false, evil);
    assert.equal(ignoreOf(['*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b', '**/'.repeat(200)]).leavesOut('a'.repeat(255)), true);
  });

  test('is read in no longer than it is long, and matched with a path however deep it is', () => {
    const deep = 'a/'.repeat(2000);
    for (const evil of ['[', '*', '[\\]', '**/', '[a-z'])
      assert.equal(globOf(evil.repeat(100_000))('b/c'), /^\*/.test(evil), evil);
    assert.equal(globOf(`*[${'b'.repeat(200_000)}]`)('a'.repeat(4000)), false);
    assert.equal(ignoreOf(['**/b/**/a/b']).leavesOut(deep), false);
    assert.throws(() => ignoreOf(Array(300).fill(`${'**/a/'.repeat(800)}b`)).leavesOut(deep), {
      code: 'config',
      message: /take too long/,
    });
  });

  test('is refused where it is too long, or there are too many: nothing that is to be left out gets in unseen', () => {
    const long = `${'*'.repeat(4096)}a`;
    assert.throws(() => ignoreOf(['a', long]), { code: 'config', message: /is longer than 4096 characters$/ });
    assert.throws(() => ignoreOf(Array(5001).fill('a')), { code: 'config', message: /^there are 5001 patterns/ });
  });

  test('is the last that matches, also by a folder above', () => {
    const { leavesOut, closes } = ignoreOf(['*', '!src', 'src/**/*.tmp', '!/keep/', ' ./docs/../other ']);
    const out = ['a', 'src', 'src/a/b', 'src/a/b.tmp', 'keep/x', 'other/x'].filter(leavesOut);
    assert.deepEqual(out, ['a', 'src/a/b.tmp', 'other/x']);
    assert.deepEqual([closes('a'), closes('src')], [true, false]);
  });
});
