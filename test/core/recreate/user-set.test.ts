import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import fc from 'fast-check';
import type { ContainerConfig } from '../../../src/core/model/container.ts';
import { isUserSet, subtractImage, userConfig } from '../../../src/core/recreate/user-set.ts';

/** The create request: the user-set part of a container of the image. */
function again(container: ContainerConfig, image: ContainerConfig): ContainerConfig {
  return userConfig(container, subtractImage(container, image));
}

/** The engine's merge of a request with an image (moby `daemon/commit.go`, merge). */
function merged(user: ContainerConfig, image: ContainerConfig): ContainerConfig {
  const pairs = [...(image.Env ?? []).filter((pair) => !names(user.Env).includes(nameOf(pair))), ...(user.Env ?? [])];
  const entrypoint = user.Entrypoint?.length ? user.Entrypoint : undefined;
  const healthcheck = { ...image.Healthcheck, ...user.Healthcheck };
  return {
    Env: pairs,
    Labels: { ...image.Labels, ...user.Labels },
    ExposedPorts: { ...image.ExposedPorts, ...user.ExposedPorts },
    Volumes: { ...image.Volumes, ...user.Volumes },
    Cmd: user.Cmd?.length ? user.Cmd : entrypoint ? [] : (image.Cmd ?? []),
    Entrypoint: started(user.Entrypoint ?? image.Entrypoint ?? []),
    User: user.User || image.User || '',
    WorkingDir: user.WorkingDir || image.WorkingDir || '',
    StopSignal: user.StopSignal || image.StopSignal || '',
    ...(Object.keys(healthcheck).length > 0 ? { Healthcheck: healthcheck } : {}),
  };
}

// The daemon takes one empty word for "none".
function started(entrypoint: string[]): string[] {
  return entrypoint.length === 1 && entrypoint[0] === '' ? [] : entrypoint;
}

function names(pairs: readonly string[] | null | undefined): string[] {
  return (pairs ?? []).map(nameOf);
}

function nameOf(pair: string): string {
  return pair.split('=')[0] ?? '';
}

suite('each field, as the user set it or the image brought it (T1 to T6)', () => {
  const table: [string, ContainerConfig, ContainerConfig, ContainerConfig][] = [
    ['environment: what equals the image is its own', { Env: ['A=1', 'B=2'] }, { Env: ['A=1'] }, { Env: ['B=2'] }],
    ['environment: another value is the user’s', { Env: ['A=2'] }, { Env: ['A=1'] }, { Env: ['A=2'] }],
    [
      'environment: a value may hold anything',
      { Env: ['A=x=y', 'B', 'C='] },
      { Env: ['A=x'] },
      { Env: ['A=x=y', 'B', 'C='] },
    ],
    ['labels by key and value', { Labels: { a: '1', b: '2' } }, { Labels: { a: '1', b: '1' } }, { Labels: { b: '2' } }],
    [
      'ports',
      { ExposedPorts: { '80/tcp': {}, '81/tcp': {} } },
      { ExposedPorts: { '80/tcp': {} } },
      { ExposedPorts: { '81/tcp': {} } },
    ],
    ['volumes', { Volumes: { '/a': {}, '/b': {} } }, { Volumes: { '/b': {} } }, { Volumes: { '/a': {} } }],
    ['user', { User: 'me' }, { User: 'root' }, { User: 'me' }],
    ['user of the image', { User: 'root' }, { User: 'root' }, {}],
    ['working folder', { WorkingDir: '/a' }, {}, { WorkingDir: '/a' }],
    ['stop signal of the image', { StopSignal: 'SIGINT' }, { StopSignal: 'SIGINT' }, {}],
    ['stop signal', { StopSignal: 'SIGQUIT' }, { StopSignal: 'SIGINT' }, { StopSignal: 'SIGQUIT' }],
    ['command of the image', { Cmd: ['a'] }, { Cmd: ['a'] }, {}],
    ['command', { Cmd: ['b'] }, { Cmd: ['a'] }, { Cmd: ['b'] }],
    [
      'entrypoint of the image with the user’s command',
      { Entrypoint: ['e'], Cmd: ['b'] },
      { Entrypoint: ['e'], Cmd: ['a'] },
      { Cmd: ['b'] },
    ],
    [
      'beside the user’s entrypoint even an equal command is the user’s',
      { Entrypoint: ['x'], Cmd: ['a'] },
      { Entrypoint: ['e'], Cmd: ['a'] },
      { Entrypoint: ['x'], Cmd: ['a'] },
    ],
    [
      'the user’s entrypoint without a command',
      { Entrypoint: ['x'], Cmd: null },
      { Entrypoint: ['e'], Cmd: ['a'] },
      { Entrypoint: ['x'], Cmd: null },
    ],
    [
      'an entrypoint that the user took away (--entrypoint "")',
      { Entrypoint: null, Cmd: ['b'] },
      { Entrypoint: ['e'] },
      { Entrypoint: [''], Cmd: ['b'] },
    ],
    [
      'an entrypoint that the user took away, with the same command',
      { Entrypoint: null, Cmd: ['a'] },
      { Entrypoint: ['e'], Cmd: ['a'] },
      { Entrypoint: [''], Cmd: ['a'] },
    ],
    ['absent is empty (API 1.52)', { Cmd: [], Entrypoint: null, Env: [], Labels: {}, User: '', Volumes: null }, {}, {}],
  ];
  for (const [name, container, image, expected] of table) {
    test(name, () => {
      const { Env, Labels, ExposedPorts, Volumes, ...rest } = again(container, image);
      const filled = {
        Env: expected.Env ?? [],
        Labels: expected.Labels ?? {},
        ExposedPorts: expected.ExposedPorts ?? {},
        Volumes: expected.Volumes ?? {},
      };
      assert.deepEqual({ Env, Labels, ExposedPorts, Volumes }, filled);
      const { Env: _e, Labels: _l, ExposedPorts: _p, Volumes: _v, ...others } = expected;
      assert.deepEqual(rest, others);
    });
  }

  test('the health check by its fields, the start interval included', () => {
    const image = { Healthcheck: { Test: ['CMD', 'a'], Interval: 5, Retries: 2, StartInterval: 1 } };
    const same = { Healthcheck: { ...image.Healthcheck } };
    assert.equal(again(same, image).Healthcheck, undefined);
    for (const change of [
      { Interval: 9 },
      { StartInterval: 9 },
      { Timeout: 9 },
      { StartPeriod: 9 },
      { Retries: 9 },
      { Test: ['NONE'] },
    ]) {
      assert.deepEqual(again({ Healthcheck: { ...image.Healthcheck, ...change } }, image).Healthcheck, change);
    }
  });

  test('fields that no image brings are kept as they are', () => {
    const config = { Tty: true, OpenStdin: true, StopTimeout: 7, Domainname: 'd' };
    const { Tty, OpenStdin, StopTimeout, Domainname } = again(config, {});
    assert.deepEqual({ Tty, OpenStdin, StopTimeout, Domainname }, config);
  });

  test('labels of compose are the container’s, even where an image that compose built bears them too', () => {
    const Labels = { 'com.docker.compose.project': 'shop', 'com.docker.compose.container-number': '1' };
    assert.deepEqual(again({ Labels }, { Labels: { 'com.docker.compose.project': 'shop' } }).Labels, Labels);
  });
});

suite('in general', () => {
  const keys = ['x', 'y', 'z'];

  // A value equal to the image's is the same as no value (T3), so the words differ.
  function configs(word: string): fc.Arbitrary<ContainerConfig> {
    const words = fc.constantFrom<string[]>([word], [word, 'more']);
    return fc.record(
      {
        Env: fc.subarray(keys).map((names) => names.map((name) => `${name}=${word}`)),
        Labels: fc.dictionary(fc.constantFrom(...keys), fc.constant(word)),
        ExposedPorts: fc.dictionary(fc.constantFrom(`${word}-80/tcp`, `${word}-81/tcp`), fc.constant({})),
        Volumes: fc.dictionary(fc.constantFrom(`/${word}`, `/${word}/sub`), fc.constant({})),
        Cmd: fc.oneof(words, fc.constant<string[]>([])),
        Entrypoint: words,
        User: fc.constantFrom('', word),
        WorkingDir: fc.constantFrom('', `/${word}`),
        StopSignal: fc.constantFrom('', word),
        Healthcheck: fc.record(
          {
            Test: fc.constant(['CMD', word]),
            Interval: fc.constant(word.length),
            StartInterval: fc.constant(word.length),
          },
          { requiredKeys: [], noNullPrototype: true },
        ),
      },
      { requiredKeys: [], noNullPrototype: true },
    );
  }
  const users = fc.oneof(
    configs('user'),
    configs('user').map((one) => ({ ...one, Entrypoint: [''] })),
  );

  test('asking again for the same image gives the same container', () => {
    fc.assert(
      fc.property(fc.oneof(users, configs('v1')), configs('v1'), (user, image) => {
        const container = merged(user, image);
        assert.deepEqual(sorted(merged(again(container, image), image)), sorted(container));
      }),
      { numRuns: 2000 },
    );
  });

  test('nothing of the old image is frozen: a new image gives what a fresh start with it would', () => {
    fc.assert(
      fc.property(users, configs('v1'), configs('v2-'), (user, before, after) => {
        // Removing an entrypoint that does not exist leaves no trace.
        fc.pre(before.Entrypoint !== undefined || user.Entrypoint?.[0] !== '');
        assert.deepEqual(sorted(merged(again(merged(user, before), before), after)), sorted(merged(user, after)));
      }),
      { numRuns: 2000 },
    );
  });

  function sorted(one: ContainerConfig): ContainerConfig {
    return { ...one, Env: [...(one.Env ?? [])].sort() };
  }
});

test('a stored set that is damaged, or of another version, is none', () => {
  const good = { env: [], labels: [], ports: [], volumes: [], health: [], scalars: ['Cmd'] };
  assert.ok(isUserSet(good));
  for (const bad of [
    undefined,
    null,
    1,
    {},
    { ...good, env: undefined },
    { ...good, env: 'A' },
    { ...good, scalars: [1] },
  ]) {
    assert.ok(!isUserSet(bad), JSON.stringify(bad));
  }
});
