// Two real preparations at the same time, on an empty cache, as two test runs on a fresh machine start them.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';
import { root } from '../../../scripts/prepare/npm.mjs';

// The smallest that is made of more than one package.
const NAME = 'nft-bookworm';
const PREPARED = /^==> preparing nft-bookworm$/m;

test('two preparations on an empty cache download once, and both end well', async (t) => {
  const home = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-cache-'));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const prepare = () =>
    promisify(execFile)(process.execPath, ['scripts/prepare.mjs', NAME], {
      cwd: root,
      env: { ...process.env, XDG_CACHE_HOME: home },
    });
  const said = (await Promise.all([prepare(), prepare()])).map(({ stderr }) => stderr);
  for (const text of said) assert.match(text, /==> prepared in \d+ s\n$/);
  assert.equal(said.filter((text) => PREPARED.test(text)).length, 1, said.join());
  const cache = path.join(home, 'swapctl-test');
  const [entry = '', ...others] = readdirSync(cache).filter((name) => name !== 'lock');
  assert.deepEqual(others, []);
  const version = execFileSync(path.join(cache, entry, 'bin/nft'), ['--version'], { encoding: 'utf8' });
  assert.match(version, /^nftables v/);
});
