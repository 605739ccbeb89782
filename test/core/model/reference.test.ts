import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import fc from 'fast-check';
import { digestsFor, runs } from '../../../src/core/model/image.ts';
import {
  formatRepository,
  isImageId,
  parseReference,
  REFERENCE,
  sameRepository,
  shortDigest,
} from '../../../src/core/model/reference.ts';
import { keepReference, keepRepository, lockName } from '../../../src/core/service/names.ts';
import { sha256 } from '../../lab/sha256.ts';
import { anyCharacters } from '../../lab/text.ts';
import { image, raised } from '../builders.ts';

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;

suite('references', () => {
  const table: [string, string, string, string | undefined, string | undefined][] = [
    ['nginx', 'docker.io', 'library/nginx', 'latest', undefined],
    ['nginx:1.27-alpine', 'docker.io', 'library/nginx', '1.27-alpine', undefined],
    ['library/nginx', 'docker.io', 'library/nginx', 'latest', undefined],
    ['docker.io/nginx', 'docker.io', 'library/nginx', 'latest', undefined],
    ['index.docker.io/me/app', 'docker.io', 'me/app', 'latest', undefined],
    ['registry-1.docker.io/nginx', 'docker.io', 'library/nginx', 'latest', undefined],
    ['me/app', 'docker.io', 'me/app', 'latest', undefined],
    ['ghcr.io/me/app:stable', 'ghcr.io', 'me/app', 'stable', undefined],
    ['localhost/app', 'localhost', 'app', 'latest', undefined],
    ['localhost:5000/app', 'localhost:5000', 'app', 'latest', undefined],
    ['127.0.0.1:5000/a/b/c:x', '127.0.0.1:5000', 'a/b/c', 'x', undefined],
    ['[::1]:5000/app:x', '[::1]:5000', 'app', 'x', undefined],
    ['Registry/app', 'Registry', 'app', 'latest', undefined],
    ['my_app:1_2', 'docker.io', 'library/my_app', '1_2', undefined],
    ['a__b/c--d', 'docker.io', 'a__b/c--d', 'latest', undefined],
    [`nginx@${DIGEST}`, 'docker.io', 'library/nginx', undefined, DIGEST],
    [`ghcr.io/me/app:1@${DIGEST}`, 'ghcr.io', 'me/app', '1', DIGEST],
  ];
  for (const [text, registry, repository, tag, digest] of table) {
    test(text, () => assert.deepEqual(parseReference(text), { text, registry, repository, tag, digest }));
  }

  const bad: [string, RegExp][] = [
    ['', /repository is missing/],
    ['NGINX', /lower case/],
    ['ghcr.io/Me/app', /lower case/],
    ['nginx:', /no tag/],
    ['nginx:a b', /no tag/],
    [`nginx:${'x'.repeat(129)}`, /no tag/],
    ['nginx@sha256:abc', /no digest/],
    ['nginx@', /no digest/],
    [`nginx@${DIGEST}@${DIGEST}`, /no digest/],
    ['http://ghcr.io/app', /no|missing/],
    ['ghcr.io/', /missing/],
    ['a//b', /no repository/],
    ['-app', /no repository/],
    ['app_', /no repository/],
    ['my..app', /no repository/],
    ['-x.io/app', /no registry host/],
    ['nginx\u001b[2j', /no repository/],
  ];
  for (const [text, message] of bad) {
    test(`${JSON.stringify(text.slice(0, 40))} is none, and says why`, () => {
      const error = raised(() => parseReference(text));
      assert.equal(error.code, 'usage');
      assert.match(error.message, message);
      assert.ok(!error.message.includes('\u001b'));
    });
  }

  test('nothing but a usage error comes of any text', () => {
    fc.assert(
      fc.property(anyCharacters, (text) => {
        try {
          parseReference(text);
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'usage');
        }
      }),
    );
  });

  test('a repository in its short form means the same', () => {
    for (const [text] of table) {
      const ref = parseReference(text);
      assert.ok(sameRepository(parseReference(formatRepository(ref)), ref), text);
    }
  });
});

test('an id names no repository', () => {
  assert.ok(isImageId('a'.repeat(64)) && isImageId(`sha256:${'0'.repeat(64)}`));
  assert.ok(!isImageId('a'.repeat(63)) && !isImageId('nginx') && !isImageId(`nginx@${DIGEST}`));
});

test('a digest is shortened for people', () => {
  assert.deepEqual([shortDigest(DIGEST), shortDigest('0123456789abcdef')], ['sha256:0123456789ab', '0123456789ab']);
});

suite('image identity', () => {
  test('only digests of the very repository count, however it is spelt', () => {
    const digests = [`nginx@${DIGEST}`, `ghcr.io/mirror/nginx@sha256:${'f'.repeat(64)}`];
    assert.deepEqual(digestsFor(image({ digests }), parseReference('docker.io/library/nginx:1')), [DIGEST]);
    assert.deepEqual(digestsFor(image({ digests }), parseReference('me/nginx')), []);
  });

  test('a container runs an image by its id, or by the manifest for its platform', () => {
    const table: [string, string | undefined, string, string | undefined, boolean][] = [
      ['i1', undefined, 'i1', undefined, true],
      ['i1', undefined, 'i2', undefined, false],
      ['i1', 'm1', 'i2', 'm1', true],
      ['i1', 'm1', 'i2', 'm2', false],
      ['i1', undefined, 'i2', 'm1', false],
    ];
    for (const [imageId, manifestDigest, id, manifest, expected] of table) {
      assert.equal(runs({ imageId, manifestDigest }, { id, manifestDigest: manifest }), expected);
    }
  });
});

const ALIKE = [
  ['web*.+~ ~...x', 'web*+.*_!...x'],
  ['web*+.*_~...x', 'web*.+~ !...x'],
] as const;

suite('the tag that keeps an old image', () => {
  test('is a valid reference for whatever compose and the engine let a service be called', () => {
    const project = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,12}$/);
    const name = fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,12}$/);
    const service = fc.oneof(
      name,
      fc.tuple(project, name).map(([a, b]) => `${a}/${b}`),
    );
    fc.assert(
      fc.property(service, (key) => {
        const ref = parseReference(keepReference(key, DIGEST, sha256));
        assert.deepEqual([ref.registry, ref.tag], ['docker.io', DIGEST.slice(7, 39)]);
      }),
      { numRuns: 2000 },
    );
  });

  test('is of one service only, even where 32 bits of a hash are the same', () => {
    // FNV-1a gives both the same 32 bits; a project's label may hold any of them.
    for (const [one, other] of ALIKE) assert.notEqual(keepRepository(one, sha256), keepRepository(other, sha256));
  });

  test('is not that of a service which is called like it', () => {
    const path = keepRepository('My_App', sha256).replace('swapctl-rollback/', '');
    assert.notEqual(keepRepository(path, sha256), keepRepository('My_App', sha256));
    const lock = lockName('prö/web', sha256);
    assert.notEqual(lockName(lock.replace(/\.swapctl-lock$/, ''), sha256), lock);
  });

  test('shows the service', () => {
    assert.equal(keepRepository('shop/web', sha256), 'swapctl-rollback/shop/web');
    assert.equal(keepRepository('My_App.2', sha256), `swapctl-rollback/my-app-2-${sha256('My_App.2').slice(0, 32)}`);
    assert.equal(keepRepository('___', sha256), `swapctl-rollback/service-${sha256('___').slice(0, 32)}`);
  });
});

test('the pattern of references matches exactly what is read as one', () => {
  const parts = [
    'a',
    'b1',
    'A',
    '.',
    '..',
    '_',
    '__',
    '-',
    '--',
    '/',
    ':',
    ':5000',
    '@',
    DIGEST,
    'localhost',
    '[::1]',
    'x.y',
    ' ',
  ];
  const texts = fc.oneof(
    fc.array(fc.constantFrom(...parts), { maxLength: 8 }).map((some) => some.join('')),
    fc.stringMatching(REFERENCE),
  );
  fc.assert(
    fc.property(texts, (text) => assert.equal(REFERENCE.test(text), isRead(text), text)),
    { numRuns: 3000 },
  );
});

function isRead(text: string): boolean {
  try {
    return parseReference(text) !== undefined;
  } catch {
    return false;
  }
}
