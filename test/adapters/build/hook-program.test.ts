// Programs that hooks of a group run.
import assert from 'node:assert/strict';
import test from 'node:test';
import { programRunner } from '../../../src/adapters/build/hook-program.ts';

const run = programRunner({ PATH: process.env.PATH, OWN: 'own' });
const QUIET = { env: { SWAPCTL_ON_HOST: 'web1' }, timeoutMs: 60_000 };

test('a program gets its arguments as they are, and the facts beside the environment', async () => {
  await run('sh', ['-c', 'test "$SWAPCTL_ON_HOST-$OWN-$1" = "web1-own-a b;c"', 'sh', 'a b;c'], QUIET);
});

test('a status other than 0 is an error with the last words', async () => {
  await assert.rejects(run('sh', ['-c', 'echo not now >&2; exit 3'], QUIET), /^Error: it ended with 3: not now$/);
});

test('a program that is not there is an error', async () => {
  await assert.rejects(run('/no/such/program', [], QUIET), /it could not be run/);
});

test('a program that does not end is ended', async () => {
  await assert.rejects(run('sleep', ['1000'], { ...QUIET, timeoutMs: 100 }), /no end within 0\.1 s/);
});
