import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { openConfigDesk } from '../../../src/wiring/ports.ts';
import { scripted } from '../../adapters/registry/scripted.ts';
import { cli, FAILED, type Given, ROLLED } from './fakes.ts';

// The real configuration file and real HTTP behind the command line.
let folder = '';

before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-cli-notify-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

function given(text: string, env: Record<string, string> = {}): Given {
  writeFileSync(path.join(folder, 'swapctl.yml'), text);
  return { config: (config) => openConfigDesk({ config, env, folder }) };
}

test('config test-notify sends everybody a test, and shows what came of it', async (t) => {
  const server = await scripted(
    t,
    ({ path: sent }, response) => void response.writeHead(sent.startsWith('/services/') ? 200 : 403).end(`no ${sent}`),
  );
  const text = [
    'notifications:',
    `  - { kind: slack, url: "http://${server.host}/services/SECRETHOOK" }`,
    `  - { kind: ntfy, url: "http://me:SECRETWORD@${server.host}/SECRETTOPIC" }`,
    '  - { kind: telegram, token: "$' + '{NOT_THERE}", chat: "42" }',
  ].join('\n');
  const { status, stdout, stderr } = await cli(['config', 'test-notify'], given(text));
  assert.equal(status, 5);
  assert.equal(
    stdout,
    [
      'KIND      TO                        RESULT',
      `slack     http://${server.host}/…  sent`,
      `ntfy      http://${server.host}/…  ${server.host} answers 403: no /`,
      'telegram  42                        the variable NOT_THERE is not set',
      '',
    ]
      .join('\n')
      .replaceAll('                        ', ' '.repeat(`http://${server.host}/…`.length)),
  );
  assert.match(server.asked[0]?.body ?? '', /a test/);
  assert.doesNotMatch(stdout + stderr, /SECRET/);
});

test('config test-notify ends with 0 if every receiver got it', async (t) => {
  const server = await scripted(t, (_, response) => void response.end());
  const text = `notifications: [{ kind: webhook, url: "$` + `{HOOK}", template: "{{title}}" }]`;
  const { status, json } = await cli(
    ['config', 'test-notify', '--json'],
    given(text, { HOOK: `http://${server.host}/` }),
  );
  assert.equal(status, 0);
  assert.deepEqual(json(), [{ kind: 'webhook', to: '$' + '{HOOK}', outcome: 'sent' }]);
  assert.equal(server.asked[0]?.body, `swapctl on ${os.hostname()}: a test`);
});

test('config test-notify without receivers ends with 2', async () => {
  const { status, stderr } = await cli(['config', 'test-notify'], given('defaults: {}\n'));
  assert.equal(status, 2);
  assert.equal(stderr, 'swapctl: swapctl.yml has no notifications\n  add one under notifications\n');
});

test('roll --notify tells what came of the run, whatever that is, and the exit status is that of the roll', async () => {
  const { calls, status, json } = await cli(['roll', 'web', 'api', '--notify', '--json'], {
    roll: [ROLLED, { ...FAILED, service: 'api' }],
    tell: [{ kind: 'slack', to: 'x', outcome: 'failed', error: 'no' }],
  });
  assert.equal(status, 1);
  assert.equal(json().length, 2);
  assert.deepEqual(
    calls.map(({ name, selectors }) => [name, ...selectors]),
    [
      ['roll', 'web', 'api'],
      ['tell', 'web updated', 'api failed', 'asked: true'],
    ],
  );
});

test('a roll without --notify sends no notification', async () => {
  const { calls } = await cli(['roll', 'web'], { roll: [ROLLED] });
  assert.deepEqual(
    calls.map(({ name }) => name),
    ['roll'],
  );
});
