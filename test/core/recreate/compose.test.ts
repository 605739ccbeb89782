import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { composeImageLabel, inlineFiles, likelyInlineFiles } from '../../../src/core/recreate/compose.ts';
import { image } from '../builders.ts';

suite('the image label of compose (T43, T44)', () => {
  const before = image({ id: 'id-1', manifestDigest: 'manifest-1' });
  const after = image({ id: 'id-2', manifestDigest: 'manifest-2' });
  const table: [string, string | undefined, string | undefined, string | undefined][] = [
    ['no label before, none after', undefined, 'manifest-1', undefined],
    ['the id, on the classic store', 'id-1', undefined, 'id-2'],
    ['the id, on the containerd store', 'id-1', 'manifest-1', 'id-2'],
    ['the manifest for the platform', 'manifest-1', 'manifest-1', 'manifest-2'],
    ['something else: the id', 'whatever', 'manifest-1', 'id-2'],
  ];
  for (const [name, label, manifestDigest, expected] of table) {
    test(name, () => assert.equal(composeImageLabel(label, { ...before, manifestDigest }, after), expected));
  }

  test('the id where the new image has no manifest, or the old image is gone', () => {
    assert.equal(composeImageLabel('manifest-1', before, image({ id: 'id-2' })), 'id-2');
    assert.equal(composeImageLabel('manifest-1', undefined, after), 'id-2');
  });
});

suite('files that compose copied in (T19)', () => {
  const document = {
    services: {
      web: {
        configs: [
          'inline',
          'file',
          { source: 'inline', target: '/etc/app.conf' },
          { source: 'env', target: 'relative' },
          { source: 'unknown' },
          7,
        ],
        secrets: [
          'token',
          { source: 'token', target: 'named' },
          { source: 'token', target: '/abs' },
          { source: 'outside' },
        ],
      },
      other: {},
    },
    configs: { inline: { content: 'x' }, file: { file: './x' }, env: { environment: 'X' } },
    secrets: { token: { environment: 'T' }, outside: { external: true } },
  };

  test('only inline content and environment are copied; files are mounted', () => {
    assert.deepEqual(inlineFiles([document], 'web'), {
      paths: ['/inline', '/etc/app.conf', '/relative', '/run/secrets/token', '/run/secrets/named', '/abs'],
      complete: true,
    });
    assert.deepEqual(inlineFiles([document], 'other').paths, []);
    assert.deepEqual(inlineFiles([document], 'missing').paths, []);
  });

  test('the logins of use_api_socket are copied', () => {
    const files = (use_api_socket: unknown) => inlineFiles([{ services: { web: { use_api_socket } } }], 'web').paths;
    assert.deepEqual(files(true), ['/run/secrets/docker/config.json']);
    assert.deepEqual(files(false), []);
    const changed = ['/run', '/run/secrets', '/run/secrets/docker', '/run/secrets/docker/config.json'];
    assert.deepEqual(likelyInlineFiles(changed), ['/run/secrets/docker/config.json'], 'also without the file');
  });

  test('the definition may be in another file than the use', () => {
    const use = { services: { web: { secrets: ['token'] } } };
    assert.deepEqual(inlineFiles([use, { secrets: { token: { content: 'x' } } }], 'web').paths, ['/run/secrets/token']);
  });

  const incomplete: [string, readonly unknown[]][] = [
    ['a file can’t be read', [document, undefined]],
    ['a file includes others', [{ ...document, include: ['b.yml'] }]],
    ['the service extends another', [{ services: { web: { extends: 'base' } } }]],
    [
      'a path has a variable in it',
      [{ services: { web: { configs: [{ source: 'c', target: '/$WHERE' }] } }, configs: { c: { content: '' } } }],
    ],
  ];
  for (const [name, documents] of incomplete) {
    test(`they don’t tell all where ${name}`, () => assert.equal(inlineFiles(documents, 'web').complete, false));
  }

  test('a file that is no compose file tells nothing and breaks nothing', () => {
    for (const wrong of [
      null,
      7,
      'text',
      [],
      { services: [] },
      { services: { web: null } },
      { services: { web: { configs: {} } } },
    ]) {
      assert.deepEqual(inlineFiles([wrong], 'web').paths, []);
    }
  });

  test('without the files, what changed under /run/secrets and at the top is likely', () => {
    const changed = [
      '/run',
      '/run/secrets',
      '/run/secrets/token',
      '/run/secrets/deep/x',
      '/app.conf',
      '/tmp',
      '/tmp/x',
      '/.dockerenv',
      '/var/log/x',
    ];
    assert.deepEqual(likelyInlineFiles(changed), ['/run/secrets/token', '/app.conf']);
  });
});
