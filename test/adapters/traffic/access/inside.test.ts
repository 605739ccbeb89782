import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { withInside } from '../../../../src/adapters/traffic/access/inside.ts';

const skip = process.platform !== 'linux' && 'needs Linux';

function root(t: TestContext): string {
  const made = mkdtempSync(path.join(os.tmpdir(), 'swapctl-inside-'));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  mkdirSync(path.join(made, 'run/haproxy'), { recursive: true });
  writeFileSync(path.join(made, 'run/haproxy/secret'), 'inside');
  return made;
}

const read = (top: string, file: string): Promise<string> =>
  withInside(top, file, async (found) => readFileSync(found, 'utf8'));

test('a path is found inside another root, also over links', { skip }, async (t) => {
  const top = root(t);
  symlinkSync('/run', path.join(top, 'var'));
  symlinkSync('../run/./haproxy', path.join(top, 'run/link'));
  for (const file of ['/run/haproxy/secret', '/var/haproxy/secret', '/run/link/secret', '/../../run/haproxy/secret'])
    assert.equal(await read(top, file), 'inside', file);
});

test('no link leads out of the root', { skip }, async (t) => {
  const top = root(t);
  const outside = mkdtempSync(path.join(os.tmpdir(), 'swapctl-outside-'));
  t.after(() => rmSync(outside, { recursive: true, force: true }));
  writeFileSync(path.join(outside, 'secret'), 'outside');
  symlinkSync(path.join(outside, 'secret'), path.join(top, 'absolute'));
  symlinkSync(`../../../../../..${outside}/secret`, path.join(top, 'relative'));
  symlinkSync(outside, path.join(top, 'folder'));
  for (const file of ['/absolute', '/relative', '/folder/secret'])
    await assert.rejects(read(top, file), { code: 'ENOENT' }, file);
});

test('links in a circle end', { skip }, async (t) => {
  const top = root(t);
  symlinkSync('/b', path.join(top, 'a'));
  symlinkSync('/a', path.join(top, 'b'));
  await assert.rejects(read(top, '/a'), /too many symbolic links/);
});
