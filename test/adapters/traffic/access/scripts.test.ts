// The scripts that run in a proxy's container, with the shell and the tools of this machine.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { PROCESSES, TALK_TCP, TALK_UNIX } from '../../../../src/adapters/traffic/access/scripts.ts';

const skip = process.platform === 'linux' ? missing('perl') : 'needs Linux';

function missing(program: string): string | false {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`]);
    return false;
  } catch {
    return `needs ${program}`;
  }
}

function run(script: string, ...args: string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile('sh', ['-c', script, 'swapctl', ...args], (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr }),
    );
  });
}

/** Answers a line of text as HAProxy does, and closes. */
async function server(t: TestContext, at: net.ListenOptions): Promise<net.Server> {
  const listening = net.createServer((client) =>
    client.once('data', (text) => client.end(`got ${text.toString().trim()}\n`)),
  );
  await new Promise<void>((done) => listening.listen(at, done));
  t.after(() => listening.close());
  return listening;
}

test('a text goes to a unix socket and its answer comes back', { skip }, async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-talk-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const socket = path.join(folder, 'admin.sock');
  await server(t, { path: socket });
  const text = `set server a/b $HOME "x"'y'\n`;
  assert.deepEqual(await run(TALK_UNIX, text, socket), { code: 0, output: `got ${text.trim()}\n` });
  const { code, output } = await run(TALK_UNIX, text, `${socket}2`);
  assert.notEqual(code, 0);
  assert.match(output, /No such file/);
});

test('a text goes to a TCP port and its answer comes back', { skip }, async (t) => {
  const listening = await server(t, { host: '127.0.0.1', port: 0 });
  const { port } = listening.address() as AddressInfo;
  assert.deepEqual(await run(TALK_TCP, 'ping\n', '127.0.0.1', String(port)), { code: 0, output: 'got ping\n' });
});

test('processes are listed with their parents, without the script itself', { skip }, async () => {
  const { code, output } = await run(PROCESSES);
  assert.equal(code, 0);
  const own = output.split('\n').find((line) => line.startsWith(`${process.pid} ${process.ppid} `));
  assert.match(own ?? '', /node/);
  assert.ok(!output.includes('for folder in'));
});
