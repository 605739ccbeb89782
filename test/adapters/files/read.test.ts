import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { suite, test } from 'node:test';
import { UnfitFile } from '../../../src/adapters/files/fit.ts';
import { looked, mustBeFit, namesIn, readEnd, readText } from '../../../src/adapters/files/read.ts';
import type { Scope } from '../../lab/world.ts';
import { folderOf } from '../build/files.ts';

function pipeIn(t: Scope): string {
  const pipe = path.join(folderOf(t, {}), 'pipe');
  execFileSync('mkfifo', [pipe]);
  return pipe;
}

suite('files that others name', () => {
  test('are read, also through links', async (t) => {
    const folder = folderOf(t, { 'a.txt': 'häh', 'deep/b.txt': 'x' });
    symlinkSync('a.txt', path.join(folder, 'link'));
    assert.equal(await readText(path.join(folder, 'link')), 'häh');
    assert.equal(await readText(path.join(folder, 'link'), { within: folder }), 'häh');
    await mustBeFit(path.join(folder, 'deep/b.txt'));
  });

  test('that are none raise what the system says', async (t) => {
    const folder = folderOf(t, {});
    await assert.rejects(readText(path.join(folder, 'a')), { code: 'ENOENT' });
    await assert.rejects(readText(path.join(folder, 'a\0b')), { code: 'ERR_INVALID_ARG_VALUE' });
  });

  test('are neither pipes, devices, sockets nor folders', async (t) => {
    const folder = folderOf(t, {});
    const socket = path.join(folder, 'socket');
    const server = createServer().listen(socket);
    await new Promise((resolve) => server.once('listening', resolve));
    t.after(async () => void server.close());
    const unfit = { [pipeIn(t)]: /pipe/, '/dev/zero': /device/, [socket]: /socket/, [folder]: /folder/ };
    for (const [file, message] of Object.entries(unfit)) {
      await assert.rejects(readText(file), message);
      await assert.rejects(mustBeFit(file), message);
    }
  });

  test('have a limit, also those that say that they are empty', async (t) => {
    const file = path.join(folderOf(t, { big: 'x'.repeat(2048) }), 'big');
    await assert.rejects(readText(file, { bytes: 2047 }), UnfitFile);
    await assert.rejects(readText('/proc/self/status', { bytes: 100 }), UnfitFile);
    assert.equal((await readText(file, { bytes: 2048 })).length, 2048);
  });

  test('lead nowhere else where they must not', async (t) => {
    const folder = folderOf(t, { 'in/a': 'x', secret: 'y', 'inner/b': 'z' });
    const inside = path.join(folder, 'in');
    symlinkSync('../secret', path.join(inside, 'out'));
    symlinkSync('../inner', path.join(inside, 'folder'));
    symlinkSync('in', path.join(folder, 'also'));
    for (const name of ['out', 'folder/b'])
      await assert.rejects(readText(path.join(inside, name), { within: inside }), /leads out of/);
    assert.equal(await readText(path.join(folder, 'also/a'), { within: path.join(folder, 'also') }), 'x');
  });

  test('are not waited for without end', async (t) => {
    const file = path.join(folderOf(t, { a: 'x' }), 'a');
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const late = [readText(file), looked(file), namesIn('/')];
    // Before the event loop turns, so none of them can have an answer.
    t.mock.timers.tick(10_000);
    await Promise.all(late.map((one) => assert.rejects(one, /within 10 s/)));
  });
});

test('the end of a large file is read, and no more of it', async (t) => {
  const folder = folderOf(t, { log: `${'x'.repeat(2_000_000)}\nlast\n` });
  const file = path.join(folder, 'log');
  assert.equal(await readEnd(file, 6), '\nlast\n');
  assert.equal((await readEnd(file, 9_000_000)).length, 2_000_006);
  await assert.rejects(readEnd(folder, 6), { code: 'ERR_UNFIT_FILE' });
});
