import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import test, { type TestContext } from 'node:test';
import { dockerfileOf, openContext } from '../../../src/adapters/build/context.ts';
import { type BuildSpec, PLAIN_BUILD } from '../../../src/core/build/build.ts';
import { folderOf } from './files.ts';

interface Sent {
  dockerfile: string;
  names: string[];
  /** The verbose lines of tar, by name. */
  lines: Map<string, string>;
  archive: Buffer;
}

/** The contents of a folder as sent, in tar's view. */
async function sent(spec: Partial<BuildSpec> & { context: string }): Promise<Sent> {
  const whole = { ...PLAIN_BUILD, ...spec };
  const { dockerfile, archive } = await openContext(whole, await dockerfileOf(whole));
  const bytes = await buffer(Readable.from(archive, { objectMode: false }));
  const list = (...args: string[]) =>
    execFileSync('tar', ['--list', ...args, '--file', '-'], { input: bytes, encoding: 'utf8' })
      .trim()
      .split('\n');
  const names = list().map((name) => name.replace(/\/$/, ''));
  const verbose = list('--verbose', '--numeric-owner');
  return {
    dockerfile,
    names: names.toSorted(),
    lines: new Map(names.map((name, at) => [name, verbose[at] ?? ''])),
    archive: bytes,
  };
}

const FROM = { Dockerfile: 'FROM scratch\n' };

async function namesWith(t: TestContext, ignore: string, files: string[]): Promise<string[]> {
  const context = folderOf(t, {
    ...FROM,
    '.dockerignore': ignore,
    ...Object.fromEntries(files.map((file) => [file, file])),
  });
  return (await sent({ context })).names.filter((name) => name !== 'Dockerfile' && name !== '.dockerignore');
}

test('.dockerignore is honoured as docker does', async (t) => {
  assert.deepEqual(
    await namesWith(t, 'node_modules\n*.log\n!keep.log\n', [
      'a.js',
      'a.log',
      'keep.log',
      'node_modules/x/y.js',
      'sub/b.log',
    ]),
    ['a.js', 'keep.log', 'sub', 'sub/b.log'],
  );
  assert.deepEqual(
    await namesWith(t, '**/*.tmp\n# comment\n\n/top\n', ['a.tmp', 'x/y/b.tmp', 'x/c', 'top/d', 'x/top/e']),
    ['x', 'x/c', 'x/top', 'x/top/e', 'x/y'],
  );
  // Everything except the named files: their folders are walked.
  assert.deepEqual(await namesWith(t, '*\n!src/app\n', ['README', 'src/app/a.js', 'src/other/b.js', 'docs/c']), [
    'src',
    'src/app',
    'src/app/a.js',
  ]);
});

test('the Dockerfile and .dockerignore are sent, whatever the latter says', async (t) => {
  const context = folderOf(t, { 'docker/Dockerfile': 'FROM scratch\n', 'docker/x': '', '.dockerignore': '*\n', a: '' });
  const { dockerfile, names } = await sent({ context, dockerfile: 'docker/Dockerfile' });
  assert.equal(dockerfile, 'docker/Dockerfile');
  assert.deepEqual(names, ['.dockerignore', 'docker', 'docker/Dockerfile']);
});

test('a Dockerfile has an ignore file of its own', async (t) => {
  const context = folderOf(t, { ...FROM, 'Dockerfile.dockerignore': 'a\n', '.dockerignore': 'b\n', a: '', b: '' });
  assert.deepEqual((await sent({ context })).names, ['.dockerignore', 'Dockerfile', 'Dockerfile.dockerignore', 'b']);
});

test('a Dockerfile that is inline or elsewhere is put in', async (t) => {
  const elsewhere = folderOf(t, { Other: 'FROM scratch\nLABEL a=b\n' });
  const context = folderOf(t, { a: '1' });
  for (const spec of [{ inline: 'FROM scratch\nLABEL a=b\n' }, { dockerfile: path.join(elsewhere, 'Other') }]) {
    const { dockerfile, names, archive } = await sent({ context, ...spec });
    assert.deepEqual(names, [dockerfile, 'a'].toSorted());
    const text = execFileSync('tar', ['-xO', dockerfile, '--file', '-'], { input: archive, encoding: 'utf8' });
    assert.equal(text, 'FROM scratch\nLABEL a=b\n');
  }
});

test('modes, links and empty folders are kept, owners are not', async (t) => {
  const context = folderOf(t, { ...FROM, 'bin/run': '#!/bin/sh\n', 'gone/x': '' });
  chmodSync(path.join(context, 'bin/run'), 0o775);
  symlinkSync('bin/run', path.join(context, 'link'));
  rmSync(path.join(context, 'gone/x'));
  const { lines } = await sent({ context });
  assert.match(lines.get('bin/run') ?? '', /^-rwxrwxr-x 0\/0 /);
  assert.match(lines.get('link') ?? '', /^l.* link -> bin\/run$/);
  assert.match(lines.get('gone') ?? '', /^d/);
});

test('what is not there is told', async (t) => {
  const context = folderOf(t, {});
  await assert.rejects(sent({ context }), {
    code: 'config',
    message: `there is no Dockerfile at ${context}/Dockerfile`,
  });
});
