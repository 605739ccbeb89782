import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, suite, test } from 'node:test';
import { openConfigDesk } from '../../../src/wiring/ports.ts';
import { cli } from './fakes.ts';

let folder = '';
before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-token-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const create = (...more: string[]) => cli(['token', 'create', 'ci', '--allow', 'roll:shop/*', ...more]);

suite('swapctl token create', () => {
  test('prints the token once, and the line without it', async () => {
    const { status, stdout, stderr, opened } = await create('--allow', 'read', '--expires', '90d');
    const [token = '', ...again] = stdout.match(/swapctl_\w+/g) ?? [];
    assert.match(token, /^swapctl_[0-9A-Za-z]{49}$/);
    assert.deepEqual([status, stderr, again, opened], [0, '', [], []]);
    assert.match(stdout, /^ci sha256:[0-9a-f]{64} roll:shop\/\*,read expires=2\d\d\d-\d\d-\d\dT[\d:.]+Z$/m);
    assert.doesNotMatch(stdout, /never expires/);
  });

  test('says that a token never expires', async () => {
    assert.match((await create()).stdout, /! this token never expires \(--expires 90d sets an end\)/);
  });

  test('has the same as JSON', async () => {
    const made = (await create('--json')).json();
    assert.deepEqual(Object.keys(made), ['name', 'token', 'line']);
    assert.equal(made.name, 'ci');
  });

  for (const [what, argv, message] of [
    ['without a name', ['create', '--allow', 'read'], /needs a name for the token\n {2}see swapctl token --help/],
    ['without a scope', ['create', 'ci'], /--allow is missing: what may ci do\?/],
    ['with a wrong scope', ['create', 'ci', '--allow', 'reed'], /"reed" is not a scope\n {2}did you mean read\?/],
    ['with a wrong name', ['create', 'a b', '--allow', 'read'], /"a b" is not a name for a token/],
    ['with a wrong time', ['create', 'ci', '--allow', 'read', '--expires', 'soon'], /--expires: "soon" is no duration/],
    ['as something else', ['revoke'], /Allowed choices are create, list/],
  ] as const)
    test(`is refused ${what}`, async () => {
      const { status, stdout, stderr } = await cli(['token', ...argv]);
      assert.deepEqual([status, stdout], [2, '']);
      assert.match(stderr, message);
    });
});

suite('swapctl token list', () => {
  test('prints the tokens of a file, and its mistakes', async () => {
    const file = path.join(folder, 'tokens');
    const { line } = (await create('--json')).json();
    writeFileSync(file, `${line}\noops\n`, { mode: 0o600 });
    const { status, stdout } = await cli(['token', 'list', '--file', file]);
    assert.equal(status, 2);
    assert.match(
      stdout,
      /^NAME +ALLOW +EXPIRES +STATE\nci +roll:shop\/\* +never +valid\n✘ .*tokens:2: this is not a line/,
    );
  });

  test('finds the file in swapctl.yml', async () => {
    writeFileSync(path.join(folder, 'empty'), '', { mode: 0o600 });
    const listed = (text: string) => {
      writeFileSync(path.join(folder, 'swapctl.yml'), text);
      return cli(['token', 'list'], { config: () => openConfigDesk({ config: 'swapctl.yml', env: {}, folder }) });
    };
    const { status, stdout } = await listed('server: { tokens: empty }\n');
    assert.equal(status, 0);
    assert.match(stdout, /empty has no tokens/);
    const none = await listed('server: {}\n');
    assert.match(none.stderr, /swapctl.yml names no token file\n {2}name one with --file, or set server.tokens/);
  });
});
