// Secrets reach only their receiver, and no process list.
import assert from 'node:assert/strict';
import { chmodSync, readFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { suite, test } from 'node:test';
import { buildArguments, buildxBuild } from '../../../src/adapters/build/buildx.ts';
import { installedGit } from '../../../src/adapters/build/git.ts';
import { PLAIN_BUILD } from '../../../src/core/build/build.ts';
import { parseGitSource } from '../../../src/core/build/git.ts';
import { gitHttp, gitRepository } from '../../lab/git.ts';
import type { Scope } from '../../lab/world.ts';
import { folderOf } from './files.ts';

const signal = new AbortController().signal;

suite('a git login', () => {
  async function server(t: Scope, answer: http.RequestListener): Promise<string> {
    const listening = http.createServer(answer);
    t.after(async () => void listening.close());
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
  }

  test('goes to the host that it was written for', async (t) => {
    const repository = gitRepository(t);
    const commit = repository.push({ a: '1' });
    const url = await gitHttp(t, repository, 'me:secret');
    const git = installedGit({ env: process.env, home: folderOf(t, {}) });
    const source = parseGitSource(`${url.replace('://', '://me:secret@')}#main`, 'it');
    assert.equal(await git.head(source, signal), commit);
  });

  for (const status of [301, 302, 307, 308])
    test(`does not follow to where the host leads (${status})`, async (t) => {
      const seen: (string | undefined)[] = [];
      const thief = await server(t, ({ headers }, response) => {
        seen.push(headers.authorization);
        response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      });
      const host = await server(t, ({ url = '' }, response) =>
        response.writeHead(status, { location: thief + url }).end(),
      );
      const git = installedGit({ env: process.env, home: folderOf(t, {}) });
      const source = parseGitSource(`${host.replace('://', '://me:secret@')}/shop.git#main`, 'it');
      const refused = await git.head(source, signal).catch((error) => error);
      await git.tree(source, 'a'.repeat(40), signal).catch(() => {});
      assert.deepEqual(seen.filter(Boolean), [], 'the login was sent elsewhere');
      assert.equal(refused.code, 'source-unreachable');
      assert.match(refused.message, /redirects to another URL/);
    });
});

suite('build arguments', () => {
  test('reach docker, and stand in no list of processes', async (t) => {
    const folder = folderOf(t, { docker: '#!/bin/sh\nprintf "%s\\n" "$@" >"$LOG.args"\nenv >"$LOG.env"\nexit 1\n' });
    chmodSync(path.join(folder, 'docker'), 0o755);
    const log = path.join(folder, 'log');
    const env = { PATH: `${folder}:${process.env.PATH}`, LOG: log, HTTPS_PROXY: 'http://me:pw@proxy' };
    const args = { NPM_TOKEN: 'npm_secret', EMPTY: '', HTTPS_PROXY: 'http://me:pw@proxy', PATH: '/app' };
    await buildxBuild(env, { ...PLAIN_BUILD, context: folder, args }, () => {}, signal);
    const [told, given] = ['args', 'env'].map((what) => readFileSync(`${log}.${what}`, 'utf8').split('\n'));
    assert.deepEqual(
      told?.filter((_, at) => told[at - 1] === '--build-arg'),
      ['NPM_TOKEN', 'EMPTY', 'HTTPS_PROXY', 'PATH=/app'],
    );
    for (const line of ['NPM_TOKEN=npm_secret', 'EMPTY=']) assert.ok(given?.includes(line), line);
    assert.ok(!given?.includes('PATH=/app'));
  });

  test('do not take the place of a variable that a secret is in', () => {
    const secrets = [{ id: 's', from: { environment: 'TOKEN' } }] as const;
    const { args, env } = buildArguments({ args: { TOKEN: 'other' }, secrets }, { TOKEN: 'real' });
    assert.deepEqual([args, env], [['TOKEN=other'], {}]);
  });
});
