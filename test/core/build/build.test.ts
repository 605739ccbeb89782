import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { cacheReference, composeBuild, needsBuildx, PLAIN_BUILD } from '../../../src/core/build/build.ts';

suite('the build of a compose service', () => {
  test('with all that it may say', () => {
    const build = {
      context: '/p/web',
      dockerfile: 'docker/Dockerfile',
      target: 'dev',
      args: { A: '1', B: null, C: 3 },
      labels: { 'a.b': 'c' },
      cache_from: ['app:cache', 'type=gha'],
      platforms: ['linux/amd64'],
      secrets: [{ source: 'token', target: 'npm' }, 'plain', { source: 'lost' }],
      ssh: ['default', 'git=/run/agent'],
      additional_contexts: { base: '/p/base' },
      extra_hosts: ['db=10.0.0.1'],
      network: 'host',
      no_cache: true,
    };
    const secrets = { token: { environment: 'TOKEN' }, plain: { file: '/p/secret' } };
    assert.deepEqual(composeBuild({ build }, secrets), {
      ...PLAIN_BUILD,
      context: '/p/web',
      dockerfile: 'docker/Dockerfile',
      inline: undefined,
      target: 'dev',
      args: { A: '1', C: '3' },
      labels: { 'a.b': 'c' },
      cacheFrom: ['app:cache', 'type=gha'],
      platforms: ['linux/amd64'],
      secrets: [
        { id: 'npm', from: { environment: 'TOKEN' } },
        { id: 'plain', from: { file: '/p/secret' } },
      ],
      ssh: ['default', 'git=/run/agent'],
      contexts: { base: '/p/base' },
      extraHosts: ['db=10.0.0.1'],
      network: 'host',
      noCache: true,
    });
  });

  test('lists are read like mappings', () => {
    const read = composeBuild({ build: { context: '/p', args: ['A=1=2', 'B'], labels: ['x=y'] } }, {});
    assert.deepEqual([read?.args, read?.labels], [{ A: '1=2' }, { x: 'y' }]);
  });

  test('there is none', () => assert.equal(composeBuild({ image: 'app' }, {}), undefined));

  test('one that is elsewhere is refused', () => {
    assert.throws(
      () => composeBuild({ build: { context: 'https://example.org/a.git' } }, {}),
      /no folder of this machine/,
    );
  });
});

test('what needs buildx is named as compose does', () => {
  assert.deepEqual(
    needsBuildx({
      ...PLAIN_BUILD,
      context: '/',
      cacheFrom: ['a:1', 'type=registry,ref=b:2'],
      platforms: ['linux/arm64'],
    }),
    [],
  );
  const all = {
    ...PLAIN_BUILD,
    context: '/',
    secrets: [{ id: 'a', from: { file: '/b' } }],
    ssh: ['default'],
    contexts: { a: '/b' },
    cacheTo: ['type=local,dest=x'],
    cacheFrom: ['type=local,src=x'],
    platforms: ['linux/arm64', 'linux/amd64'],
  };
  assert.deepEqual(needsBuildx(all), [
    'secrets',
    'ssh',
    'additional_contexts',
    'cache_to',
    'platforms (more than one)',
    'cache_from (but images)',
  ]);
});

test('the image of a cache', () => {
  assert.equal(cacheReference('app:cache'), 'app:cache');
  assert.equal(cacheReference('type=registry,ref=app:cache'), 'app:cache');
  assert.equal(cacheReference('type=gha'), undefined);
});
