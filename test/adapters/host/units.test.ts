import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { presentOf, writeUnits } from '../../../src/adapters/host/units.ts';
import { UNIT_MARK } from '../../../src/core/update/units.ts';
import { folderOf } from '../build/files.ts';

let folder = '';
/** A test in an empty folder of its own. */
function testInFolder(name: string, work: () => Promise<void>): void {
  test(name, async (t) => {
    folder = folderOf(t, {});
    await work();
  });
}

const at = (name: string): string => path.join(folder, name);
const ours = (name: string, more = ''): { path: string; content: string } => ({
  path: at(name),
  content: `${UNIT_MARK}\n${more}`,
});

testInFolder('files are written, and written anew where they changed', async () => {
  const files = [ours('a', '1'), ours('b', '1')];
  assert.deepEqual(
    (await writeUnits(files, { force: false })).map(({ outcome }) => outcome),
    ['written', 'written'],
  );
  assert.equal(statSync(at('a')).mode & 0o777, 0o644);
  assert.deepEqual(await writeUnits([ours('a', '1'), ours('b', '2')], { force: false }), [
    { path: at('a'), outcome: 'unchanged' },
    { path: at('b'), outcome: 'written' },
  ]);
  assert.equal(readFileSync(at('b'), 'utf8'), `${UNIT_MARK}\n2`);
  assert.deepEqual(readdirSync(folder), ['a', 'b']);
});

testInFolder("somebody else's file is left alone, and then nothing is written", async () => {
  writeFileSync(at('b'), 'mine');
  await assert.rejects(writeUnits([ours('a'), ours('b')], { force: false }), {
    code: 'refused',
    message: `${at('b')} is there, and swapctl did not write it`,
  });
  assert.deepEqual(readdirSync(folder), ['b']);
  await writeUnits([ours('a'), ours('b')], { force: true });
  assert.match(readFileSync(at('b'), 'utf8'), /^# Written by swapctl/);
});

testInFolder('a unit that was masked is left alone', async () => {
  symlinkSync('/dev/null', at('a'));
  await assert.rejects(writeUnits([ours('a')], { force: false }), { code: 'refused' });
});

testInFolder('a folder that is not there is told', async () => {
  await assert.rejects(writeUnits([ours('none/a')], { force: false }), {
    code: 'refused',
    message: `there is no ${at('none')} on this machine`,
  });
});

testInFolder('what can not be written leaves nothing half-done', async () => {
  mkdirSync(at('a'));
  await assert.rejects(writeUnits([ours('a')], { force: true }), { code: 'step-failed' });
  assert.deepEqual(readdirSync(folder), ['a']);
});

testInFolder('what is there is found', async () => {
  writeFileSync(at('a'), '');
  assert.deepEqual(await presentOf([at('a'), at('b'), at('a/c')]), [at('a')]);
});
