// What is prepared for a test: all that it needs, and little else.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { prepared } from '../../scripts/prepare/cache.mjs';
import { ALL_TESTS, needsOf, podmenOf } from '../../scripts/prepare/needs.mjs';
import { root } from '../../scripts/prepare/npm.mjs';

test('a test of pure logic needs nothing, and one that starts engines their file systems', () => {
  assert.deepEqual(needsOf(['test/core/rollout/plan.test.ts']), []);
  assert.ok(needsOf(['test/full/roll/disk-full.test.ts']).includes('docker-bookworm'));
  assert.deepEqual(needsOf(['test/lab/nft.test.ts']), ['nft-bookworm', 'nft-trixie', 'nft-sid']);
});

test('every file that asks for something prepared is known to need it', () => {
  const files = ['test', 'bench', 'demo'].flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) => path.join(folder, file)),
  );
  const asking = files.filter(
    (file) => file.endsWith('.ts') && /(?<!')\bprepared\(/.test(readFileSync(path.join(root, file), 'utf8')),
  );
  assert.ok(asking.length > 4);
  const silent = asking.filter((file) => file !== 'test/prepare/needs.test.ts' && needsOf([file]).length === 0);
  assert.deepEqual(silent, []);
});

test('Podmen are prepared for the table of engines alone, or by name', () => {
  assert.ok(!ALL_TESTS.some((name) => name.startsWith('podman')));
  assert.deepEqual(podmenOf(['--way', 'handover']), []);
  assert.deepEqual(podmenOf(['--engine', 'podman']), ['podman-bookworm']);
  assert.deepEqual(podmenOf(['--engine', 'sid'], { unnamed: 'all' }), []);
  assert.equal(podmenOf([], { unnamed: 'all' }).length, 3);
});

test('what is not prepared is refused with the command that prepares it', (t) => {
  const before = process.env.XDG_CACHE_HOME;
  t.after(() => {
    if (before === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = before;
  });
  process.env.XDG_CACHE_HOME = '/nowhere';
  assert.throws(() => prepared('nft-sid'), { message: 'not prepared: nft-sid. Run node scripts/prepare.mjs nft-sid' });
  assert.throws(() => prepared('nft-buzz'), { message: /^there is no nft-buzz to prepare; there are tools, / });
});
