import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ErrorCode } from '../../../src/core/model/error.ts';
import type { ServiceUpdate } from '../../../src/core/update/update.ts';
import { cli, FAILED, NEW, OLD, ROLLED } from './fakes.ts';

const FROM = { image: 'ghcr.io/example/app:1.4', digest: OLD.digest };
const SAME_TAG = { reference: FROM.image, digest: NEW.digest };
const NEXT_TAG = { reference: 'ghcr.io/example/app:1.5', digest: NEW.digest };
const UPDATED: ServiceUpdate = {
  service: 'web',
  outcome: 'updated',
  from: FROM,
  to: SAME_TAG,
  because: 'rolled start-first in 4.2 s',
  report: ROLLED,
};
const CURRENT: ServiceUpdate = { service: 'db', outcome: 'current', from: FROM, because: 'it runs what is there' };
const WAITING: ServiceUpdate = {
  service: 'api',
  outcome: 'waiting',
  from: FROM,
  to: NEXT_TAG,
  because: 'its window is 02:00-05:00',
  until: '2026-01-02T02:00:00.000Z',
};
const SKIPPED: ServiceUpdate = { service: 'job', outcome: 'skipped', because: 'job is not running' };

function broken(code: ErrorCode, outcome: ServiceUpdate['outcome'] = 'failed'): ServiceUpdate {
  const error = { code, message: `it was ${code}`, hint: 'do something' };
  return { service: code, outcome, from: FROM, because: error.message, error };
}

const report = (...services: ServiceUpdate[]) => ({ checked: '2026-01-01T00:00:00.000Z', services });

test('update is one table: what, from, to and why, and beneath it what to do', async () => {
  const { stdout } = await cli(['update'], {
    update: report(UPDATED, CURRENT, WAITING, SKIPPED, broken('not-healthy')),
  });
  assert.match(stdout, /^SERVICE +OUTCOME +FROM +TO +WHY$/m);
  assert.match(stdout, /^web +updated +ab1200000000 +cd3400000000 +rolled start-first in 4\.2 s$/m);
  assert.match(stdout, /^db +current +ab1200000000 +- +it runs what is there$/m);
  assert.match(stdout, /^api +waiting +1\.4 +1\.5 +until 2026-01-02T02:00Z: its window is 02:00-05:00$/m);
  assert.match(stdout, /^job +skipped +- +- +job is not running$/m);
  assert.match(stdout, /^not-healthy: it was not-healthy\n {2}next: do something$/m);
});

test('update says what to do where nothing is opted in, and fits the terminal', async () => {
  assert.match((await cli(['update'], { update: report() })).stdout, /^nothing is opted in: .*swapctl\.enable=true/);
  for (const columns of [120, 80, 60]) {
    const given = { update: report(UPDATED, WAITING), stdoutIsTty: true, columns, env: { NO_COLOR: '1' } };
    for (const line of (await cli(['update'], given)).stdout.split('\n')) assert.ok([...line].length <= columns, line);
  }
});

for (const [what, lines, expected] of [
  ['all is well', [UPDATED, CURRENT, WAITING, SKIPPED], 0],
  ['a roll failed', [UPDATED, broken('not-healthy'), broken('registry-unreachable', 'unknown')], 1],
  ['one needs attention', [broken('attention'), broken('not-healthy')], 3],
  ['somebody else rolls it', [UPDATED, broken('busy', 'waiting')], 4],
  ['a registry is away', [UPDATED, broken('registry-unreachable', 'unknown')], 5],
  ['a label is wrong', [broken('config', 'unknown')], 2],
] as [string, ServiceUpdate[], number][])
  test(`update ends with ${expected} where ${what}`, async () => {
    assert.equal((await cli(['update'], { update: report(...lines) })).status, expected);
  });

test('update hands on what it was asked, and prints the report with --json', async () => {
  const update = report({ ...UPDATED, report: FAILED });
  const { calls, json } = await cli(['update', 'web', '--all', '--dry-run', '--settle', '2s', '--json'], { update });
  assert.deepEqual(json(), update);
  const [{ name, selectors, request } = assert.fail('nothing was called')] = calls;
  const { signal: _, ...asked } = request ?? assert.fail('nothing was asked');
  assert.deepEqual(
    { name, selectors, asked },
    {
      name: 'update',
      selectors: ['web'],
      asked: { all: true, dryRun: true, overrides: { settle: '2s' } },
    },
  );
  const wrong = await cli(['update', '--settle', 'soon'], { update });
  assert.equal(wrong.status, 2);
  assert.deepEqual(wrong.opened, []);
});
