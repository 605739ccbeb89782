import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { openConfigDesk } from '../../../src/wiring/ports.ts';
import { cli, type Given, PLAN } from './fakes.ts';

// The real configuration file behind the command line: neither needs an engine.
let folder = '';

before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-cli-config-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

function given(text: string | undefined): Given {
  const file = path.join(folder, 'swapctl.yml');
  rmSync(file, { force: true });
  if (text !== undefined) writeFileSync(file, text);
  return { config: (config) => openConfigDesk({ config, env: {}, folder }) };
}

const WRONG = `defaults:
  schedule: hourly
services:
  web:
    stratgy: start-first
    keep: 100
notifications:
  - kind: slack
`;

test('config check lists every mistake with its place, and ends with 2', async () => {
  const { status, stdout, stderr, opened } = await cli(['config', 'check'], given(WRONG));
  assert.equal(
    stdout,
    [
      '✘ swapctl.yml:2:13: schedule: "hourly" is no schedule; write it like 0 4 * * *, or 0 4 * * 1-5 Europe/Berlin, or every 15m, with jitter 2m behind it if you like',
      '✘ swapctl.yml:5:5: "stratgy" is not a setting; did you mean strategy?',
      '✘ swapctl.yml:6:11: keep: "100" is no count; give a number from 0 to 99',
      '✘ swapctl.yml:8:5: slack needs url, or url-file',
      '',
      '4 mistakes in swapctl.yml',
      '',
    ].join('\n'),
  );
  assert.deepEqual([status, stderr, opened], [2, '', []]);
});

test('config check --json is the list', async () => {
  const { status, json } = await cli(['config', 'check', '--json'], given('keep: 1\n'));
  assert.equal(status, 2);
  assert.deepEqual(json(), {
    path: 'swapctl.yml',
    mistakes: [
      {
        line: 1,
        column: 1,
        message:
          '"keep" is not a section; known are: defaults, services, registries, notifications, notify, max-rolls-at-once, hosts, groups, server, hooks',
      },
    ],
    notes: [],
  });
});

test('config check of a right file ends with 0, and notes what is not there now', async () => {
  const right = await cli(['config', 'check'], given('defaults: { keep: 2 }\n'));
  assert.deepEqual([right.status, right.stdout], [0, '✔ swapctl.yml is right\n']);
  const noted = await cli(['config', 'check'], given('notifications: [{ kind: slack, url: "$' + '{HOOK}" }]\n'));
  assert.deepEqual(
    [noted.status, noted.stdout],
    [0, '! swapctl.yml: notifications 1, slack, url: the variable HOOK is not set\n✔ swapctl.yml is right\n'],
  );
});

test('config without a file says where it was looked for', async (context) => {
  const { status, stdout } = await cli(['config', 'check'], given(undefined));
  assert.equal(status, 0);
  if (!stdout.includes('is none')) context.diagnostic('this machine has an /etc/swapctl/swapctl.yml');
  else assert.equal(stdout, '! swapctl.yml: there is none: swapctl.yml, /etc/swapctl/swapctl.yml\n');
});

test('--config names the file', async () => {
  const { status, stderr } = await cli(['--config', 'other.yml', 'config', 'check'], given(''));
  assert.equal(status, 2);
  assert.equal(stderr, 'swapctl: there is no file other.yml\n  --config names it\n');
});

test('config show prints what was understood', async () => {
  const text =
    'services: { web: { depends-on: [db, cache] } }\nnotifications:\n- { kind: ntfy, url: https://ntfy.sh/topic }\n';
  const { status, stdout } = await cli(['config', 'show'], given(text));
  assert.equal(status, 0);
  assert.equal(
    stdout,
    [
      '# swapctl.yml',
      'defaults: {}',
      'services:',
      '  web:',
      '    depends-on: db,cache',
      'registries: {}',
      'notifications:',
      '  - kind: ntfy',
      '    url: https://ntfy.sh/…',
      'notify: changes',
      'max-rolls-at-once: 1',
      'hooks: {}',
      '',
    ].join('\n'),
  );
  assert.deepEqual((await cli(['config', 'show', '--json'], given(text))).json().services, {
    web: { 'depends-on': 'db,cache' },
  });
});

test('config show of a wrong file ends with 2 and the way to all mistakes', async () => {
  const { status, stderr, stdout } = await cli(['config', 'show'], given(WRONG));
  assert.equal(status, 2);
  assert.equal(stdout, '');
  assert.match(stderr, /^swapctl: swapctl\.yml:2:13: schedule.* \(and 3 more\)\n {2}swapctl config check lists/);
});

test('config schema is a JSON schema', async () => {
  const { status, json } = await cli(['config', 'schema'], given(undefined));
  assert.equal(status, 0);
  assert.match(json().$schema, /json-schema\.org/);
});

test('what a file says can do nothing to the terminal', async () => {
  const { stdout } = await cli(
    ['config', 'check'],
    given('"\\e[31mx": 1\nservices: { "\\e]0;y\\a": { keep: "\\e[2J" } }\n'),
  );
  assert.match(stdout, /2 mistakes/);
  assert.doesNotMatch(stdout, /[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
});

test('--config reaches the application', async () => {
  const { opened } = await cli(['plan', 'web', '--config', 'x.yml'], { plan: [PLAN] });
  assert.deepEqual(opened, [{ config: 'x.yml' }]);
});

test('plan --explain shows every value and where it comes from', async () => {
  const explained = {
    settings: [
      { setting: 'strategy', value: 'stop-first', source: 'flag', where: '--strategy' },
      { setting: 'settle', value: '5s', source: 'default', where: undefined },
      { setting: 'health.cmd', value: undefined, source: 'default', where: undefined },
      { setting: 'keep', value: '3', source: 'label', where: 'swapctl.keep' },
      { setting: 'window', value: 'Mon 02:00-05:00 UTC', source: 'file', where: '/etc/swapctl/swapctl.yml:12' },
    ],
    dependsOn: ['shop/db'],
    mayRoll: { now: false, until: '2026-01-05T02:00:00.000Z', because: 'its window is Mon 02:00-05:00 UTC' },
    nextCheck: '2026-01-04T12:15:00.000Z',
  } as const;
  const plan = [{ ...PLAN, explained }];
  const { stdout, status, calls } = await cli(['plan', 'web', '--explain'], { plan });
  assert.equal(status, 0);
  assert.equal(calls[0]?.request?.explain, true);
  assert.ok(
    stdout.includes(
      [
        '  SETTING     VALUE                FROM',
        '  strategy    stop-first           --strategy',
        '  settle      5s                   default',
        '  health.cmd  -                    default',
        '  keep        3                    label swapctl.keep',
        '  window      Mon 02:00-05:00 UTC  /etc/swapctl/swapctl.yml:12',
        '',
        '  rolled after: shop/db',
        '  may be rolled by itself: not before 2026-01-05 02:00Z: its window is Mon 02:00-05:00 UTC; checked next at 2026-01-04 12:15Z',
      ].join('\n'),
    ),
    stdout,
  );
  assert.deepEqual(
    (await cli(['plan', 'web', '--explain', '--json'], { plan })).json().explained.mayRoll,
    explained.mayRoll,
  );
  const free = { ...explained, mayRoll: { now: true } as const, nextCheck: undefined, dependsOn: [] };
  const now = await cli(['plan', 'web', '--explain'], { plan: [{ ...PLAN, explained: free }] });
  assert.match(now.stdout, /\n\n {2}may be rolled by itself: now; never checked\n/);
});
