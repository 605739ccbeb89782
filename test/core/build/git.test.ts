import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import fc from 'fast-check';
import { commitDigest, commitIn, parseGitSource, shownGit } from '../../../src/core/build/git.ts';
import { SwapError } from '../../../src/core/model/error.ts';
import { explainedOf } from '../own.ts';

const read = (text: string) => parseGitSource(text, 'label swapctl.build.git');

suite('a repository that is built from', () => {
  test('is written as in docker build', () => {
    const cases: [string, string, string | undefined, string | undefined][] = [
      ['https://example.org/me/shop.git', 'https://example.org/me/shop.git', undefined, undefined],
      ['https://example.org/me/shop.git#main', 'https://example.org/me/shop.git', 'main', undefined],
      ['https://example.org/me/shop.git#v1.2:web/app', 'https://example.org/me/shop.git', 'v1.2', 'web/app'],
      ['https://example.org/me/shop.git#:./web/', 'https://example.org/me/shop.git', undefined, 'web'],
      ['git@example.org:me/shop.git#feature/x', 'git@example.org:me/shop.git', 'feature/x', undefined],
      ['ssh://git@example.org:2222/shop.git', 'ssh://git@example.org:2222/shop.git', undefined, undefined],
      ['github.com/me/shop', 'https://github.com/me/shop', undefined, undefined],
      ['/srv/git/shop.git#main', '/srv/git/shop.git', 'main', undefined],
      ['file:///srv/git/shop.git', 'file:///srv/git/shop.git', undefined, undefined],
    ];
    for (const [text, url, ref, folder] of cases) {
      const { login: _, ...source } = read(text);
      assert.deepEqual(source, { url, ref, folder }, text);
    }
  });

  test('can be nothing that another program takes for an option or a command', () => {
    const wrong = [
      '',
      '-uhttps://example.org',
      '--upload-pack=touch /tmp/x',
      'ext::sh -c whoami',
      'ext::x#main',
      'ssh://-oProxyCommand=x/shop.git',
      '-oProxyCommand=x@example.org:shop.git',
      'git@-oProxyCommand=x:shop.git',
      'git@example.org:-x',
      'javascript:alert(1)',
      'shop.git',
      'https://example.org/a b',
      'https://example.org/a\nb',
      'https://example.org/shop.git?branch=main',
      'https://example.org/shop.git#-x',
      'https://example.org/shop.git#--upload-pack=x',
      'https://example.org/shop.git#a..b',
      'https://example.org/shop.git#main^{}',
      'https://example.org/shop.git#+main',
      'https://example.org/shop.git#refs/heads/*',
      'https://example.org/shop.git#main:../etc',
      'https://example.org/shop.git#main:/etc',
      'https://example.org/shop.git#main:./-x',
      'https://example.org/shop.git#main:a\u00a0b',
      'https://%zz:x@example.org/a',
    ];
    for (const text of wrong)
      assert.throws(
        () => read(text),
        (raised) => raised instanceof SwapError && raised.code === 'config',
        text,
      );
  });

  test('hands on nothing but what begins harmlessly, whatever it is given', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.webUrl({ withFragments: true })), (text) => {
        try {
          const { url, ref = 'x', folder = 'x' } = read(text);
          for (const part of [url, ref, folder]) assert.doesNotMatch(part, /^-|\s/);
        } catch (raised) {
          assert.ok(raised instanceof SwapError, String(raised));
        }
      }),
    );
  });

  test('is none where a name or a password is no text', () => {
    for (const odd of ['https://%E4:%BD%A0@h/x.git', 'https://%FF@h/x.git', 'https://a:%E4%BD@h/x.git'])
      assert.throws(() => parseGitSource(odd, 'it'), { code: 'config' });
  });

  test('keeps its login out of everything that is shown', () => {
    const source = read('https://me:s%20cret@example.org/shop.git#main:web');
    assert.deepEqual(source.login, { username: 'me', password: 's cret' });
    assert.equal(source.url, 'https://example.org/shop.git');
    assert.equal(shownGit(source), 'https://example.org/shop.git#main:web');
    assert.equal(read('ssh://git:s3cret@example.org/shop.git').url, 'ssh://git@example.org/shop.git');
    const explained = explainedOf({ 'swapctl.build.git': 'https://t0ken@example.org/x.git' }, {}, NO_FILE);
    const shown = explained.find(({ setting }) => setting === 'build.git');
    assert.equal(shown?.value, 'https://example.org/x.git');
    for (const text of [
      'https://me:s3cret@example.org/a b',
      'https://me:s3cret@example.org/x#-y',
      'foo://me:s3cret@x/y',
    ])
      assert.throws(
        () => read(text),
        (raised) => !String(raised).includes('s3cret'),
        text,
      );
  });

  test('has commits where registries have digests', () => {
    const commit = 'ab'.repeat(20);
    assert.equal(commitIn(commitDigest(commit)), commit);
    assert.equal(commitIn(`sha256:${'a'.repeat(64)}`), undefined);
  });
});

const NO_FILE = { defaults: {}, service: {} };
