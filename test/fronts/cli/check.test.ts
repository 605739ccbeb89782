import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Checked } from '../../../src/core/update/newer.ts';
import { cli, NEW, OLD } from './fakes.ts';

const FROM = { image: 'ghcr.io/example/app:1.4', digest: OLD.digest };
const CURRENT: Checked = { service: 'db', outcome: 'current', from: FROM, because: 'it runs what the registry has' };
const PINNED: Checked = {
  ...CURRENT,
  service: 'pg',
  from: { ...FROM, image: `ghcr.io/example/app:1.4@${OLD.digest}` },
  because: 'it is pinned to a digest',
};
const MOVED: Checked = {
  service: 'web',
  outcome: 'available',
  from: FROM,
  to: { reference: FROM.image, digest: NEW.digest, created: '2026-01-01T00:00:00.000Z' },
  because: 'it moved',
};
const NEXT_TAG: Checked = {
  ...MOVED,
  service: 'api',
  to: { reference: 'ghcr.io/example/app:1.5', digest: NEW.digest },
};
const HELD: Checked = { ...MOVED, service: 'job', outcome: 'held', because: 'it was tried here and not kept' };
const AWAY: Checked = {
  service: 'off',
  outcome: 'unknown',
  from: FROM,
  because: 'the registry is away',
  error: { code: 'registry-unreachable', message: 'the registry is away', hint: 'try again' },
};
const WRONG: Checked = { ...AWAY, service: 'odd', error: { code: 'config', message: 'label swapctl.track: nonsense' } };

test('check is a table with what is newer, what is held and why, and what to do', async () => {
  const { stdout } = await cli(['check'], { check: [CURRENT, PINNED, MOVED, NEXT_TAG, HELD, AWAY] });
  assert.match(stdout, /^SERVICE +IMAGE +NOW +AVAILABLE +BUILT$/m);
  assert.match(stdout, /^db +ghcr.io\/example\/app:1.4 +ab1200000000 +current +-$/m);
  assert.match(stdout, /^pg .* pinned +-$/m);
  assert.match(stdout, /^web +ghcr.io\/example\/app:1.4 +ab1200000000 +cd3400000000 +\d+ d ago$/m);
  assert.match(stdout, /^api .* 1\.5 +-$/m);
  assert.match(stdout, /^job .* held: cd3400000000 /m);
  assert.match(stdout, /^job: it was tried here and not kept$/m);
  assert.match(stdout, /^off .* registry-unreachable +-$/m);
  assert.match(stdout, /^off: the registry is away\n {2}next: try again$/m);
  assert.match(stdout, /\n\nswapctl roll web api\n$/);
});

test('check fits the terminal', async () => {
  for (const columns of [120, 80, 60]) {
    const given = { check: [CURRENT, MOVED], stdoutIsTty: true, columns, env: { NO_COLOR: '1' } };
    for (const line of (await cli(['check'], given)).stdout.split('\n')) assert.ok([...line].length <= columns, line);
  }
});

for (const [what, check, expected] of [
  ['nothing is newer', [CURRENT], 0],
  ['nothing runs', [], 0],
  ['what is newer is held', [CURRENT, HELD], 0],
  ['something is newer', [CURRENT, MOVED], 10],
  ['something is newer, and a registry is away', [MOVED, AWAY, WRONG], 10],
  ['a registry is away', [CURRENT, AWAY], 5],
  ['a label is wrong', [CURRENT, WRONG], 2],
] as [string, Checked[], number][])
  test(`check ends with ${expected} where ${what}`, async () => {
    const { status, calls } = await cli(['check', 'web'], { check });
    assert.equal(status, expected);
    assert.deepEqual(calls, [{ name: 'check', selectors: ['web'] }]);
  });

test('check --json is a list', async () => {
  assert.deepEqual((await cli(['check', '--json'], { check: [MOVED, AWAY] })).json(), [MOVED, AWAY]);
});

test('what a registry or a label says can not steer the terminal', async () => {
  const { stdout } = await cli(['check'], { check: [{ ...AWAY, because: 'a\x1b[31mb' }] });
  assert.doesNotMatch(stdout, /\x1b/);
});
