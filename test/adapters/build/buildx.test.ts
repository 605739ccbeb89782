import assert from 'node:assert/strict';
import test from 'node:test';
import { buildxArgs, failureOf } from '../../../src/adapters/build/buildx.ts';
import { PLAIN_BUILD } from '../../../src/core/build/build.ts';

test('the options of buildx', () => {
  const spec = {
    ...PLAIN_BUILD,
    context: '/p',
    dockerfile: 'docker/Dockerfile',
    target: 'dev',
    args: { A: '1 2' },
    labels: { x: 'y' },
    cacheFrom: ['type=gha'],
    secrets: [
      { id: 'a', from: { file: '/s' } },
      { id: 'b', from: { environment: 'B' } },
    ],
    ssh: ['default'],
    contexts: { base: '/b' },
    platforms: ['linux/amd64', 'linux/arm64'],
  };
  const told = buildxArgs(spec, ['A']).join(' ');
  for (const part of [
    '--progress plain --load --provenance false --file /p/docker/Dockerfile --target dev',
    '--build-arg A --label x=y --cache-from type=gha',
    '--secret id=a,src=/s --secret id=b,env=B --ssh default --build-context base=/b',
    '--platform linux/amd64,linux/arm64',
  ])
    assert.ok(told.includes(part), `${part} in ${told}`);
  assert.ok(
    buildxArgs({ ...PLAIN_BUILD, context: '/p', inline: 'FROM x' }, [])
      .join(' ')
      .endsWith('--file -'),
  );
});

test('what buildx says at the end of a build that failed', () => {
  const stderr = `
#5 [2/2] RUN node --check a.js
#5 0.4 /a.js:1
#5 ERROR: process "/bin/sh -c node --check a.js" did not complete successfully: exit code: 1
------
 > [2/2] RUN node --check a.js:
0.4 /a.js:1
------
Dockerfile:2
--------------------
   1 |     FROM node
   2 | >>> RUN node --check a.js
--------------------
ERROR: failed to solve: process "/bin/sh -c node --check a.js" did not complete successfully: exit code: 1
`.split('\n');
  assert.deepEqual(failureOf(stderr), {
    message: 'process "/bin/sh -c node --check a.js" did not complete successfully: exit code: 1',
    log: [
      ' > [2/2] RUN node --check a.js:',
      '0.4 /a.js:1',
      'Dockerfile:2',
      '   1 |     FROM node',
      '   2 | >>> RUN node --check a.js',
    ],
  });
  assert.deepEqual(
    failureOf(['#1 x', 'Dockerfile:2', 'ERROR: failed to build: failed to solve: unknown instruction: RUNN']),
    {
      message: 'unknown instruction: RUNN',
      log: ['Dockerfile:2'],
    },
  );
  assert.deepEqual(failureOf(['Cannot connect']), { message: 'Cannot connect', log: [] });
});
