// The hooks of compose files, as far as they can be read without compose.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { hooksIn } from '../../../src/core/service/compose-hooks.ts';

suite('a hook', () => {
  test('has all its settings, and each dollar sign once', () => {
    const hook = {
      command: ['sh', '-c', 'echo $$HOME'],
      user: 'root',
      privileged: true,
      working_dir: '/tmp',
      environment: ['A=b=c', 'D=$$e'],
    };
    assert.deepEqual(hooksIn([{ pre_stop: [hook] }], true), {
      postStart: [],
      preStop: [
        {
          command: ['sh', '-c', 'echo $HOME'],
          user: 'root',
          privileged: true,
          workingDir: '/tmp',
          env: { A: 'b=c', D: '$e' },
        },
      ],
    });
  });

  test('of a further file follows that of the first', () => {
    const hooks = hooksIn(
      [{ post_start: [{ command: 'chown -R app /data' }] }, { post_start: [{ command: ['b'] }] }],
      false,
    );
    assert.deepEqual(
      hooks?.postStart.map(({ command }) => command),
      [['chown', '-R', 'app', '/data'], ['b']],
    );
  });

  for (const hook of [
    { command: 'echo $HOME' },
    { command: ['echo', '$A'] },
    { command: `sh -c 'a b'` },
    { command: [] },
    { command: ['a'], environment: ['FROM_COMPOSE'] },
    { command: ['a'], environment: { FROM_COMPOSE: null } },
    { command: ['a'], user: '$USER' },
    { command: ['a'], privileged: true },
    { command: ['a'], privileged: 'true' },
    'a',
  ])
    test(`is not run: ${JSON.stringify(hook)}`, () => {
      assert.equal(hooksIn([{ post_start: [hook] }], false), undefined);
    });
});
