import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { composeBuild } from '../../../src/core/build/build.ts';
import { composeRules, parseDevRule, parseDevRules, targetOf } from '../../../src/core/build/develop.ts';

const NONE = { ignore: [], include: [], initialSync: false, exec: undefined, signal: undefined };

suite('rules of labels and --watch', () => {
  const table: [string, object][] = [
    ['rebuild package.json', { action: 'rebuild', path: '/src/package.json', target: '' }],
    ['rebuild .', { action: 'rebuild', path: '/src', target: '' }],
    ['sync ../lib/ /app/lib', { action: 'sync', path: '/lib', target: '/app/lib' }],
    ['restart /etc/app.conf', { action: 'restart', path: '/etc/app.conf', target: '' }],
    [
      'sync+restart a /b ignore=*.tmp,x/ initial',
      { action: 'sync+restart', path: '/src/a', target: '/b', ignore: ['*.tmp', 'x/'], initialSync: true },
    ],
    [
      'sync+exec a /b include=*.ts exec=npm run build = x',
      {
        action: 'sync+exec',
        path: '/src/a',
        target: '/b',
        include: ['*.ts'],
        exec: { command: ['/bin/sh', '-c', 'npm run build = x'] },
      },
    ],
    ['sync+signal a /b signal=hup', { action: 'sync+signal', path: '/src/a', target: '/b', signal: 'SIGHUP' }],
    ['sync+signal a /b signal=SIGUSR1', { action: 'sync+signal', path: '/src/a', target: '/b', signal: 'SIGUSR1' }],
  ];
  for (const [text, expected] of table)
    test(text, () => assert.deepEqual(parseDevRule(text, '/src', '--watch'), { ...NONE, ...expected }));

  test('several, separated by ;', () => {
    const rules = parseDevRules('sync a /b; rebuild c;', '/src', 'label');
    assert.deepEqual(
      rules.map(({ action, path }) => `${action} ${path}`),
      ['sync /src/a', 'rebuild /src/c'],
    );
  });

  for (const [text, said] of [
    ['', /no path/],
    ['rebiuld .', /did you mean rebuild/],
    ['rebuild', /no path/],
    ['sync a', /no absolute path in the container/],
    ['sync a b', /no absolute path in the container/],
    ['sync a /b c', /too many words/],
    ['sync+exec a /b', /no exec=/],
    ['sync+signal a /b', /no signal=/],
    ['sync+signal a /b signal=1;2', /no signal/],
  ] as [string, RegExp][])
    test(`is refused: ${JSON.stringify(text)}`, () => {
      assert.throws(
        () => parseDevRule(text, '/src', '--watch'),
        (error: { code?: string; message?: string; hint?: string }) =>
          error.code === 'config' &&
          said.test(`${error.message} ${error.hint}`) &&
          /^--watch: /.test(error.message ?? ''),
      );
    });
});

test('rules of compose, as its config shows them', () => {
  const watch = [
    { path: '/p/src', action: 'sync', target: '/app/src', ignore: ['node_modules/'], initial_sync: true },
    { path: '/p/package.json', action: 'rebuild' },
    {
      path: '/p/conf',
      action: 'sync+exec',
      target: '/etc/x',
      exec: { command: ['nginx', '-s', 'reload'], user: 'root', environment: { A: 1, B: null } },
    },
  ];
  assert.deepEqual(
    composeRules({ develop: { watch } }, 'web'),
    [
      { ...NONE, action: 'sync', path: '/p/src', target: '/app/src', ignore: ['node_modules/'], initialSync: true },
      { ...NONE, action: 'rebuild', path: '/p/package.json', target: '' },
      {
        ...NONE,
        action: 'sync+exec',
        path: '/p/conf',
        target: '/etc/x',
        exec: {
          command: ['nginx', '-s', 'reload'],
          user: 'root',
          privileged: false,
          workingDir: undefined,
          env: { A: '1' },
        },
      },
    ].map(({ signal: _, ...rule }) => rule),
  );
  assert.deepEqual(composeRules({}, 'web'), []);
  assert.throws(
    () => composeRules({ develop: { watch: [{ path: '/p', action: 'sync+unknown' }] } }, 'web'),
    /web: develop.watch 1/,
  );
});

test('a compose file with mappings for words raises nothing of its own', () => {
  const odd = { toString: -1, valueOf: 2 };
  const rule = { action: 'sync', path: '/p', target: '/t', ignore: [[odd], odd], include: [odd] };
  const exec = { command: [odd], environment: { A: odd } };
  const [read] = composeRules({ develop: { watch: [{ ...rule, exec }] } }, 'web');
  assert.deepEqual(read?.include, ['{"toString":-1,"valueOf":2}']);
  const build = {
    context: '/c',
    args: { A: odd },
    labels: [odd],
    cache_from: [odd],
    additional_contexts: { a: [odd] },
  };
  assert.equal(composeBuild({ build }, {})?.args.A, '{"toString":-1,"valueOf":2}');
});

test('where a file lies in the container', () => {
  const rule = { path: '/p/src', target: '/app/src/' };
  assert.equal(targetOf(rule, '/p/src/a/b.js'), '/app/src/a/b.js');
  assert.equal(targetOf({ path: '/p/one.conf', target: '/etc/one.conf' }, '/p/one.conf'), '/etc/one.conf');
});
