import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'node:test';
import { systemClock } from '../src/adapters/host/clock.ts';
import { directConnections } from '../src/adapters/registry/http/connections.ts';
import { type Dial, TIMEOUTS } from '../src/adapters/registry/http/dial.ts';
import { openHttp } from '../src/adapters/registry/http/http.ts';
import { noteCall, onCalls } from '../src/adapters/trace/calls.ts';
import { runProgram } from '../src/adapters/traffic/program.ts';
import type { Call } from '../src/core/report/progress.ts';

test('without a listener a call is not even named', () => {
  noteCall('engine', () => assert.fail('nobody listens'))('200');
});

test('a listener gets each call that begins while it listens, with its status and time', () => {
  let now = 1000;
  const calls: Call[] = [];
  const before = noteCall('engine', () => 'GET /before');
  const stop = onCalls(
    () => now,
    (call) => calls.push(call),
  );
  before(200);
  const slow = noteCall('engine', () => 'GET /slow');
  now += 5;
  noteCall('registry', () => 'HEAD /fast')(404);
  now += 5;
  slow('ETIMEDOUT');
  const after = noteCall('engine', () => 'GET /after');
  stop();
  after(200);
  assert.deepEqual(calls, [
    { to: 'registry', what: 'HEAD /fast', status: '404', ms: 0 },
    { to: 'engine', what: 'GET /slow', status: 'ETIMEDOUT', ms: 10 },
  ]);
});

test('a call is reported in the context in which it began, whichever one ends it', () => {
  const job = new AsyncLocalStorage<string>();
  const told: (string | undefined)[] = [];
  const stop = onCalls(Date.now, ({ what }) => told.push(`${what} of ${job.getStore()}`));
  const ends = ['a', 'b'].map((name) => job.run(name, () => noteCall('engine', () => `GET /${name}`)));
  // As where both share a connection.
  job.run('b', () => {
    for (const end of ends) end(200);
  });
  stop();
  assert.deepEqual(told, ['GET /a of a', 'GET /b of b']);
});

test('programs and registries note their calls', async (t) => {
  const server = http.createServer((_, answer) => void answer.writeHead(401).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const way = directConnections(false, {}, TIMEOUTS);
  const dial = { way: async () => way } as unknown as Dial;
  const calls: Omit<Call, 'ms'>[] = [];
  const stop = onCalls(Date.now, ({ ms: _, ...call }) => calls.push(call));
  t.after(() => {
    stop();
    way.close();
    server.close();
  });
  await runProgram('/bin/sh', ['-c', 'exit 3'], 's3cret', 60_000);
  const registry = `127.0.0.1:${port}`;
  const url = new URL(`http://${registry}/v2/app/manifests/1?token=s3cret`);
  const headers = { authorization: 'Basic s3cret' };
  const signal = new AbortController().signal;
  await openHttp(dial, systemClock())({ method: 'HEAD', url, registry, headers, limit: 100, signal });
  assert.deepEqual(calls, [
    { to: 'program', what: '/bin/sh -c exit 3', status: 'exit 3' },
    { to: 'registry', what: `HEAD http://${registry}/v2/app/manifests/1`, status: '401' },
  ]);
});
