import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { UnitFile } from '../../../src/core/update/units.ts';
import { type InstallReach, openInstallDesk } from '../../../src/wiring/install.ts';
import { cli, type Given } from './fakes.ts';

let folder = '';
before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-cli-install-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const PROGRAM = ['/usr/bin/node', '/opt/swapctl.js'];

/** The real plan, on a machine that is not written to. */
function given(more: Partial<InstallReach> = {}, written: UnitFile[] = []): Given {
  return {
    install: (options) => ({
      ...openInstallDesk({ env: {}, folder, program: PROGRAM, ...more, ...options }),
      write: async (files, { force }) => {
        written.push(...files);
        return files.map((file) => ({ path: file.path, outcome: force ? 'written' : 'unchanged' }));
      },
    }),
  };
}

test('install --print shows what would be written, and writes nothing', async () => {
  const written: UnitFile[] = [];
  const { status, stdout, opened } = await cli(['install', '--cron', '--print'], given({}, written));
  assert.equal(status, 0);
  assert.match(stdout, /^# \/etc\/cron\.d\/swapctl\n/);
  assert.match(stdout, /^\S+ \* \* \* \* root out=\$\(\/usr\/bin\/node \/opt\/swapctl\.js --quiet update\) \|\| /m);
  assert.deepEqual([written, opened], [[], []]);
});

test('install writes, and says what to run next', async () => {
  const written: UnitFile[] = [];
  const { stdout } = await cli(['install', '--systemd', '--watch', '--force'], given({}, written));
  assert.match(
    stdout,
    /^✔ \/etc\/systemd\/system\/swapctl-watch\.service written\n(! .*\n)*next: systemctl daemon-reload\nnext: systemctl enable --now swapctl-watch\.service\n$/,
  );
  assert.equal(written.length, 1);
});

test('install --json has the files, and the commands that come next', async () => {
  const { json } = await cli(['install', '--systemd', '--print', '--json'], given());
  assert.deepEqual(Object.keys(json()), ['files', 'next', 'notes']);
  assert.match(json().files[0].content, /\nType=oneshot\n/);
});

test('what is installed has the options and the configuration of this call, wherever it is started', async () => {
  const file = path.join(folder, 'swapctl.yml');
  writeFileSync(file, 'keep: 1\n');
  const { stdout } = await cli(['--context', 'prod', 'install', '--systemd', '--print'], given());
  assert.ok(stdout.includes(`ExecStart=${PROGRAM.join(' ')} --context prod --config ${file} update\n`), stdout);
  assert.ok(stdout.includes(`# ${file} has mistakes: swapctl config check lists them\n`), stdout);
  rmSync(file);
  const named = await cli(['--config', 'no.yml', 'install', '--systemd', '--print'], given());
  assert.equal(named.status, 2);
});

test('what is installed finds the same engine, and no secret is written down', async () => {
  const env = { DOCKER_HOST: 'ssh://me@there', DOCKER_AUTH_CONFIG: '{"auths":"SECRET"}', SLACK_URL: 'SECRET' };
  const { stdout } = await cli(['install', '--systemd', '--print'], given({ env }));
  assert.match(stdout, /^Environment="?DOCKER_HOST=ssh:\/\/me@there"?$/m);
  assert.doesNotMatch(stdout, /SECRET/);
});

test('a program of npx is told to be a passing one', async () => {
  const program = ['/usr/bin/node', '/root/.npm/_npx/1/node_modules/swapctl/dist/swapctl.js'];
  const { stdout } = await cli(['install', '--cron', '--print'], given({ program }));
  assert.match(stdout, /^# .*_npx.* may go away: npm install -g swapctl$/m);
});

const WRONG: [string, string[], RegExp][] = [
  ['neither', ['install'], /choose --cron or --systemd/],
  ['both', ['install', '--cron', '--systemd'], /cannot be used with/],
  ['a daemon of cron', ['install', '--cron', '--watch'], /cannot be used with/],
  ['a server of cron', ['install', '--cron', '--serve'], /cannot be used with/],
  ['two daemons', ['install', '--systemd', '--watch', '--serve'], /cannot be used with/],
  [
    'a daemon with a schedule',
    ['install', '--systemd', '--watch', '--schedule', 'every 1h'],
    /--watch takes no --schedule/,
  ],
  [
    'a cron expression that is none',
    ['install', '--cron', '--schedule', '61 * * * *'],
    /"61 \* \* \* \*" is no cron expr/,
  ],
  ['a cron expression for systemd', ['install', '--systemd', '--schedule', '0 4 * * *'], /is no calendar expression/],
];
for (const [what, argv, expected] of WRONG) {
  test(`install: ${what} is wrong usage`, async () => {
    const written: UnitFile[] = [];
    const { status, stderr } = await cli(argv, given({}, written));
    assert.equal(status, 2);
    assert.match(stderr, expected);
    assert.deepEqual(written, []);
  });
}
