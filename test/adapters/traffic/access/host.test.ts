import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { hostAccess } from '../../../../src/adapters/traffic/access/host.ts';
import { httpBy } from '../../../../src/adapters/traffic/access/talk.ts';
import { eventually } from '../../../lab/waiting.ts';

const signal = new AbortController().signal;
const PROGRAM = 'swapctl-test-proxy';

function folder(t: TestContext): string {
  const made = mkdtempSync(path.join(os.tmpdir(), 'swapctl-access-'));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** A process that calls itself the proxy, with a child. */
async function proxy(t: TestContext, mark: string): Promise<ChildProcess> {
  const script = `exec -a ${PROGRAM} bash -c 'sleep 1000 & wait' x ${mark}`;
  const child = spawn('bash', ['-c', script], { stdio: 'ignore', detached: true });
  t.after(() => process.kill(-(child.pid ?? 0), 'SIGKILL'));
  await eventually('it runs', async () => {
    const title = readFileSync(`/proc/${child.pid}/cmdline`, 'latin1');
    return title.startsWith(PROGRAM) && title.includes(mark);
  });
  return child;
}

test('a file is replaced by a rename, and keeps owner and mode', async (t) => {
  const access = hostAccess(PROGRAM);
  const file = path.join(folder(t), 'web.servers');
  await access.write(file, 'one\n', signal);
  assert.equal(statSync(file).mode & 0o777, 0o644);
  chmodSync(file, 0o640);
  const before = statSync(file);
  // The remains of a process that was killed in the middle.
  writeFileSync(path.join(path.dirname(file), '.web.servers.swapctl-new'), 'half');
  await access.write(file, 'zwei ✓\n', signal);
  const after = statSync(file);
  assert.equal(await access.read(file, signal), 'zwei ✓\n');
  assert.equal(after.mode, before.mode);
  assert.notEqual(after.ino, before.ino);
  assert.deepEqual(readdirSync(path.dirname(file)), ['web.servers']);
});

test('a link to the file stays a link', async (t) => {
  const access = hostAccess(PROGRAM);
  const [real, link] = [path.join(folder(t), 'real'), path.join(folder(t), 'link')];
  writeFileSync(real, 'one');
  symlinkSync(real, link);
  await access.write(link, 'two', signal);
  assert.equal(readFileSync(real, 'utf8'), 'two');
});

test('a file and a folder that are not there are answers', async (t) => {
  const access = hostAccess(PROGRAM);
  const there = folder(t);
  assert.equal(await access.read(path.join(there, 'none'), signal), undefined);
  assert.equal(await access.list(path.join(there, 'none'), signal), undefined);
  await access.remove(path.join(there, 'none'), signal);
  assert.deepEqual(await access.list(there, signal), []);
  await assert.rejects(access.write(path.join(there, 'none/file'), 'x', signal), { code: 'proxy-unreachable' });
});

test('a program has its status and its output', async () => {
  const access = hostAccess(PROGRAM);
  const { code, output } = await access.run(['sh', '-c', 'echo one; echo two >&2; exit 3'], signal);
  assert.equal(code, 3);
  assert.deepEqual(output.trim().split('\n').sort(), ['one', 'two']);
  assert.equal((await access.run(['/nowhere/at-all'], signal)).code, 127);
});

test('no such process: the proxy is out of reach', async () => {
  await assert.rejects(hostAccess(PROGRAM).processes(signal), {
    code: 'proxy-unreachable',
    message: `${PROGRAM} on this host is out of reach: no ${PROGRAM} runs`,
  });
});

test('processes are found by the program and by a word of the command line', async (t) => {
  const [one, two] = [await proxy(t, '/etc/one'), await proxy(t, '/etc/two')];
  await assert.rejects(hostAccess(PROGRAM).processes(signal), { code: 'proxy-unreachable' });
  const [first] = await hostAccess(PROGRAM, '/etc/one').processes(signal);
  assert.equal(first?.pid, one.pid);
  const ended = new Promise((resolve) => two.once('exit', (_, by) => resolve(by)));
  await hostAccess(PROGRAM, '/etc/two').kill('TERM', signal);
  assert.equal(await ended, 'SIGTERM');
});

test('texts go to a socket, and come back', async (t) => {
  const socket = path.join(folder(t), 'admin.sock');
  const server = net.createServer((client) => client.once('data', (text) => client.end(`got ${text}`)));
  t.after(() => server.close());
  await new Promise<void>((listening) => server.listen(socket, listening));
  const access = hostAccess(PROGRAM);
  assert.equal(await access.exchange({ path: socket }, 'ping', signal), 'got ping');
  await assert.rejects(access.exchange({ path: `${socket}2` }, 'ping', signal), { code: 'proxy-unreachable' });
});

test('HTTP goes to a socket', async (t) => {
  const socket = path.join(folder(t), 'admin.sock');
  const server = http.createServer((request, response) => {
    request.resume().once('end', () => {
      response.writeHead(request.method === 'PATCH' ? 200 : 404, { ETag: '"1"' });
      response.end(`${request.method} ${request.url}`);
    });
  });
  t.after(() => server.close());
  await new Promise<void>((listening) => server.listen(socket, listening));
  const request = { method: 'PATCH', path: '/id/web', headers: { 'if-match': '"0"' }, body: '{}' } as const;
  const answer = await hostAccess(PROGRAM).http({ path: socket }, request, signal);
  assert.deepEqual([answer.status, answer.body, answer.headers.etag], [200, 'PATCH /id/web', '"1"']);
});

test('HTTP goes by an exchange of texts, with the whole body', async () => {
  const sent: string[] = [];
  const exchange = async (text: string): Promise<string> => {
    sent.push(text);
    return 'HTTP/1.1 412 Precondition Failed\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n';
  };
  const body = `"${'x'.repeat(100_000)}"`;
  const socket = { host: '::1', port: 2019 };
  const answer = await httpBy(exchange, socket, { method: 'POST', path: '/id/web', body }, signal);
  assert.deepEqual([answer.status, answer.body], [412, 'hello']);
  assert.match(sent.join(), /^POST \/id\/web HTTP\/1\.1\r\nhost: \[::1\]:2019\r\n/);
  assert.ok(sent.join().endsWith(`\r\n\r\n${body}`));
  const refused = httpBy(() => Promise.reject(new Error('no way')), socket, { method: 'GET', path: '/' }, signal);
  await assert.rejects(refused, /no way/);
});
