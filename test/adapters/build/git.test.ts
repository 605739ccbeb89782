// Real repositories, read by the git of this machine.
import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import test, { suite, type TestContext } from 'node:test';
import { installedGit } from '../../../src/adapters/build/git.ts';
import { parseGitSource } from '../../../src/core/build/git.ts';
import { SwapError } from '../../../src/core/model/error.ts';
import { gitDaemon, gitHttp, gitRepository } from '../../lab/git.ts';
import { accepts, freePort } from '../../lab/port.ts';

const { signal } = new AbortController();
const source = (text: string) => parseGitSource(text, 'test');

function desk(t: TestContext, more: NodeJS.ProcessEnv = {}) {
  const home = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-cache-'));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const env = { PATH: process.env.PATH, HOME: home, ...more };
  return { git: installedGit({ env, home }), cache: path.join(home, '.cache/swapctl/git'), home };
}

/** The error in the form for users. */
async function refusal(work: Promise<unknown>): Promise<SwapError> {
  const raised = await work.then(
    () => assert.fail('it went well'),
    (error) => error,
  );
  assert.ok(raised instanceof SwapError, String(raised));
  return raised;
}

suite('the git of this machine', () => {
  test('follows a branch, forwards and back, and has the files of the very commit', async (t) => {
    const { git } = desk(t);
    const repository = gitRepository(t);
    const main = source(`file://${repository.folder}#main`);
    const first = repository.push({ 'app/Dockerfile': 'FROM a\n', 'gone.txt': 'x' });
    assert.equal(await git.head(main, signal), first);
    repository.git('rm', '--quiet', 'gone.txt');
    const second = repository.push({ 'app/Dockerfile': 'FROM b\n' });
    assert.equal(await git.head(main, signal), second);
    const tree = await git.tree(main, second, signal);
    assert.deepEqual(readdirSync(tree.folder), ['app']);
    const before = await git.tree(source(`file://${repository.folder}#main:app`), first, signal);
    assert.equal(readFileSync(path.join(before.folder, 'Dockerfile'), 'utf8'), 'FROM a\n');
    await Promise.all([tree.release(), before.release()]);
    assert.ok(!existsSync(tree.folder));
    repository.git('push', '--quiet', '--force', repository.folder, `${first}:main`);
    assert.equal(await git.head(main, signal), first, 'a branch that went back');
  });

  test('tells branch, tag, commit and HEAD apart', async (t) => {
    const { git } = desk(t);
    const repository = gitRepository(t);
    const url = `file://${repository.folder}`;
    const first = repository.push({ file: '1' });
    repository.git('tag', '--annotate', '--message', 'x', 'v1');
    repository.git('push', '--quiet', repository.folder, 'v1');
    const second = repository.push({ file: '2' });
    const third = repository.push({ file: '3' }, 'feature/x');
    const heads = ['', '#main', '#v1', '#refs/tags/v1', '#feature/x', `#${first}`].map((ref) =>
      git.head(source(url + ref), signal),
    );
    assert.deepEqual(await Promise.all(heads), [second, second, first, first, third, first]);
    // A name that is the end of another one.
    const absent = await refusal(git.head(source(`${url}#x`), signal));
    assert.deepEqual([absent.code, absent.message], ['source-unreachable', `${url} has no branch or tag x`]);
  });

  test('reads by the git protocol, also what no branch names any more', async (t) => {
    const { git } = desk(t);
    const repository = gitRepository(t);
    const first = repository.push({ file: '1' });
    const port = await freePort();
    const main = source(await gitDaemon(t as never, repository, port));
    await accepts('127.0.0.1', port);
    repository.push({ file: '2' });
    const tree = await git.tree(main, first, signal);
    assert.equal(readFileSync(path.join(tree.folder, 'file'), 'utf8'), '1');
    await tree.release();
  });

  test('logs in over HTTP with what the URL says, which nobody gets to see', async (t) => {
    const { git, cache } = desk(t);
    const repository = gitRepository(t);
    const commit = repository.push({ file: '1' });
    const url = await gitHttp(t as never, repository, 'me:s3cret word');
    const known = source(url.replace('//', '//me:s3cret%20word@'));
    assert.equal(await git.head(known, signal), commit);
    const tree = await git.tree(known, commit, signal);
    await tree.release();
    for (const place of readdirSync(cache)) {
      const config = readFileSync(path.join(cache, place, 'repository/config'), 'utf8');
      assert.doesNotMatch(config, /s3cret/);
    }
    const wrong = await refusal(git.head(source(url.replace('//', '//me:wr0ng@')), signal));
    assert.equal(wrong.code, 'source-unreachable');
    assert.match(`${wrong.message} ${wrong.hint}`, /Authentication failed.*credential helpers/);
    assert.doesNotMatch(JSON.stringify([wrong.message, wrong.hint, wrong.log]), /wr0ng|\bme:/);
    // Without a login, git asks nobody at a terminal.
    const none = await refusal(git.head(source(url), signal));
    assert.match(none.message, /could not read Username/);
  });

  test('runs nothing that a repository brings, and leaves it for nothing', async (t) => {
    const { git } = desk(t);
    const repository = gitRepository(t);
    repository.push({ file: '1', 'sub/file': '2' });
    const work = repository.git('rev-parse', '--show-toplevel').trim();
    symlinkSync('/etc', path.join(work, 'out'));
    mkdirSync(path.join(work, 'm'));
    writeFileSync(path.join(work, '.gitmodules'), '[submodule "m"]\n\tpath = m\n\turl = ext::touch m\n');
    const commit = repository.git('rev-parse', 'HEAD').trim();
    repository.git('update-index', '--add', '--cacheinfo', `160000,${commit},m`);
    const last = repository.push({});
    const url = `file://${repository.folder}`;
    const tree = await git.tree(source(url), last, signal);
    assert.deepEqual(tree.submodules, ['m']);
    await tree.release();
    const out = await refusal(git.tree(source(`${url}#main:out`), last, signal));
    assert.deepEqual([out.code, /no folder out/.test(out.message)], ['build-failed', true]);
    const missing = await refusal(git.tree(source(`${url}#main:none`), last, signal));
    assert.equal(missing.code, 'build-failed');
  });

  test('says what is wrong: no git, no repository, interrupted', async (t) => {
    const { home } = desk(t);
    const bare = installedGit({ env: { PATH: home }, home });
    const none = await refusal(bare.head(source('file:///nowhere'), signal));
    assert.deepEqual([none.code, /git is not installed/.test(none.message)], ['config', true]);
    const { git } = desk(t);
    const away = await refusal(git.head(source('file:///nowhere/at/all.git'), signal));
    assert.deepEqual(
      [away.code, /not a git repository|does not exist|does not appear/.test(away.message)],
      ['source-unreachable', true],
    );
    const end = new AbortController();
    const hanging = silentServer(t);
    const asked = refusal(git.head(source(await hanging.url), end.signal));
    await hanging.reached;
    end.abort();
    assert.equal((await asked).code, 'interrupted');
  });

  test('does not mistake the repository that it is started in for the one that is meant', async (t) => {
    const repository = gitRepository(t);
    const commit = repository.push({ file: '1' });
    const { git } = desk(t, { GIT_DIR: '/nowhere', GIT_INDEX_FILE: '/nowhere/index', GIT_WORK_TREE: '/nowhere' });
    const main = source(`file://${repository.folder}`);
    const tree = await git.tree(main, await git.head(main, signal), signal);
    assert.equal(readFileSync(path.join(tree.folder, 'file'), 'utf8'), '1');
    assert.equal(await git.head(main, signal), commit);
    await tree.release();
  });
});

/** A server that takes requests and never answers. */
function silentServer(t: TestContext): { url: Promise<string>; reached: Promise<void> } {
  let reach = (): void => {};
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  const server = http.createServer(() => reach());
  const url = new Promise<string>((resolve) =>
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/x.git`);
    }),
  );
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url, reached };
}
