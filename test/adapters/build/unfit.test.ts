// Paths in a repository, a folder or a label that are no regular files.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { suite, test } from 'node:test';
import { openBuilder } from '../../../src/adapters/build/builder.ts';
import { installedCompose } from '../../../src/adapters/build/compose.ts';
import { runProgram } from '../../../src/adapters/build/program.ts';
import { systemHost } from '../../../src/adapters/host/host.ts';
import { PLAIN_BUILD } from '../../../src/core/build/build.ts';
import type { Engine } from '../../../src/ports/engine.ts';
import { composeBinary } from '../../lab/compose.ts';
import { folderOf, put } from './files.ts';

const engine = {} as Pick<Engine, 'build' | 'image'>;
const builder = openBuilder({ engine, env: { ...process.env, DOCKER_BUILDKIT: '0' } });
const signal = new AbortController().signal;

function pipe(file: string): void {
  rmSync(file, { force: true });
  execFileSync('mkfifo', [file]);
}

suite('a build', () => {
  for (const [name, make] of Object.entries({
    'a pipe': pipe,
    'a device': (file: string) => symlinkSync('/dev/zero', file),
    'a link that leads out': (file: string) => symlinkSync('/etc/hostname', file),
  }))
    for (const file of ['Dockerfile', '.dockerignore', 'Dockerfile.dockerignore'])
      test(`refuses ${name} as ${file}`, async (t) => {
        const context = folderOf(t, file === 'Dockerfile' ? {} : { Dockerfile: 'FROM scratch' });
        make(path.join(context, file));
        const spec = { ...PLAIN_BUILD, context };
        const refused = { code: 'config', message: /can't be read: it is a (pipe|device|link that leads out)/ };
        await assert.rejects(builder.outline(spec), refused);
        await assert.rejects(
          builder.build(spec, () => {}, signal),
          refused,
        );
      });

  test('takes a Dockerfile that is a link inside of its context, and one outside that is named', async (t) => {
    const folder = folderOf(t, { 'docker/Real': 'FROM scratch', 'web/a': '' });
    symlinkSync('docker/Real', path.join(folder, 'Dockerfile'));
    const inside = await builder.outline({ ...PLAIN_BUILD, context: folder });
    assert.deepEqual(inside.files, [path.join(folder, 'Dockerfile')]);
    const named = { ...PLAIN_BUILD, context: path.join(folder, 'web'), dockerfile: '../docker/Real' };
    assert.deepEqual((await builder.outline(named)).files, [path.join(folder, 'docker/Real')]);
  });
});

suite('a compose project', () => {
  const compose = installedCompose({ ...process.env, PATH: `${path.dirname(composeBinary())}:${process.env.PATH}` });
  const project = (folder: string, more: { files?: string[]; envFiles?: string[] } = {}) => ({
    name: 'p',
    folder,
    files: [path.join(folder, 'compose.yaml')],
    envFiles: [],
    ...more,
  });
  const FILES = { 'compose.yaml': 'services: {web: {image: "x:$TAG"}}\n', '.env': 'TAG=2\n' };

  test('is read as compose reads it', async (t) => {
    const { services } = await compose.read(project(folderOf(t, FILES)));
    assert.equal(services.web?.image, 'x:2');
  });

  test('names no pipes and devices as its files', async (t) => {
    const folder = folderOf(t, FILES);
    pipe(path.join(folder, 'pipe'));
    for (const bad of [path.join(folder, 'pipe'), '/dev/zero', '-', 'https://example.org/x.git']) {
      const refused = { code: 'config', message: /which belongs to the compose project p, can't be read/ };
      await assert.rejects(compose.read(project(folder, { files: [bad] })), refused, bad);
      await assert.rejects(compose.read(project(folder, { envFiles: [bad] })), refused, bad);
      assert.equal(await compose.services(project(folder, { files: [bad] })), undefined);
    }
    pipe(path.join(folder, '.env'));
    await assert.rejects(compose.read(project(folder)), /it is a pipe/);
  });

  test('that includes a device takes no more memory than it may', async (t) => {
    const folder = folderOf(t, FILES);
    put(folder, { 'compose.yaml': 'include: [/dev/zero]\nservices: {}\n' });
    await assert.rejects(compose.read(project(folder)), { code: 'config' });
  });

  test('has its files read by swapctl itself only if they are files', async () => {
    const host = systemHost({ logins: async () => [], isTrusted: async () => false, options: [] });
    assert.equal(await host.readYaml('/dev/zero'), undefined);
  });
});

suite('a program', () => {
  test('that does not end when it is asked to is killed', async () => {
    const stop = new AbortController();
    const script = "trap '' TERM; echo ready >&2; while :; do sleep 1; done";
    const end = await runProgram('sh', ['-c', script], {
      env: process.env,
      signal: stop.signal,
      onLine: () => stop.abort(),
    });
    assert.equal(end.code, undefined);
  });

  test('that is not there, is not there under a limit either', async () => {
    const env = { PATH: '/nowhere' };
    assert.equal((await runProgram('no-such-program', [], { env, memory: 2 ** 30 })).code, undefined);
    const { code } = await runProgram('sh', ['-c', 'exit 3'], { env: process.env, memory: 2 ** 30 });
    assert.equal(code, 3);
  });

  test('that prints without end is ended', async () => {
    const { code, stdout } = await runProgram('yes', [], { env: process.env });
    assert.equal(code, undefined);
    assert.ok(stdout.length < 2 ** 28);
  });
});
