// The load client is the witness of every claim about lost requests, so it must not lose any by itself.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import test from 'node:test';
import { folderOf } from '../adapters/build/files.ts';
import { startLoad } from './load.ts';

/**
 * A server in a process of its own that closes idle connections at SIGUSR2, and then writes a file. It first reads the requests
 * that are under way, turn by turn: a connection with an unread request would count as idle.
 */
const SERVER = `
let quietTurns = 0;
const server = require('node:http').createServer((request, response) => {
  quietTurns = 0;
  response.end();
});
server.keepAliveTimeout = 65_000;
function closeOnceQuiet() {
  if (++quietTurns < 20) return setImmediate(closeOnceQuiet);
  server.closeIdleConnections();
  require('node:fs').writeFileSync(process.argv[1], 'closed');
}
process.on('SIGUSR2', () => {
  quietTurns = 0;
  closeOnceQuiet();
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
`;

test('connections that their server closed while the client was held up are not used again', async (t) => {
  const closed = path.join(folderOf(t, {}), 'closed');
  const server = spawn(process.execPath, ['-e', SERVER, closed], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => server.kill());
  const [port] = await once(server.stdout, 'data');
  const load = startLoad({ url: `http://127.0.0.1:${Number(port)}/`, ratePerSecond: 200 });
  const more = () => load.until(load.soFar().requests + 50);
  for (const _ of [1, 2, 3]) {
    await more();
    server.kill('SIGUSR2');
    heldUpUntil(() => existsSync(closed));
    rmSync(closed);
  }
  await more();
  const { failures } = await load.stop();
  assert.deepEqual(failures, []);
});

test('a client that was held up does not send all its arrears at once', async (t) => {
  const server = http.createServer((_, response) => response.end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const began = performance.now();
  const load = startLoad({ url: `http://127.0.0.1:${port}/`, ratePerSecond: 100 });
  await load.until(10);
  const [heldUpMs, arrearsMs] = [2000, 1000];
  const until = performance.now() + heldUpMs;
  heldUpUntil(() => performance.now() >= until);
  await load.until(load.soFar().requests + 50);
  const { requests, failed } = await load.stop();
  const most = (performance.now() - began - heldUpMs + arrearsMs) / 10 + 2;
  assert.equal(failed, 0);
  assert.ok(requests <= most, `${requests} requests, at most ${most} were due`);
});

/** What a busy machine does to a client: it sees nothing of what arrives in the meantime. */
function heldUpUntil(over: () => boolean): void {
  while (!over()) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
}
