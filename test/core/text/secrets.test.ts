import assert from 'node:assert/strict';
import test from 'node:test';
import { hideSecrets } from '../../../src/core/text/secrets.ts';

test('lines of a container lose its secrets, and nothing else', () => {
  const env = ['DB_PASSWORD=hunter22', 'API_KEY=hunter22-long', 'PORT=8080', 'TOKEN=abc', 'AUTH', 'DATABASE_URL=x'];
  for (const [line, shown] of [
    ['login with hunter22 failed', 'login with … failed'],
    ['key hunter22-long', 'key …'],
    ['postgres://app:s3cret@db:5432/app refused', 'postgres://…@db:5432/app refused'],
    ['https://ghp_123@git.example/x', 'https://…@git.example/x'],
    ['listening on http://0.0.0.0:8080/a@b', 'listening on http://0.0.0.0:8080/a@b'],
    ['abc', 'abc'],
  ] as const)
    assert.deepEqual(hideSecrets([line], env), [shown]);
});
