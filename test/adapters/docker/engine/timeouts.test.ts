import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { connect } from '../../../../src/adapters/docker/connect/connect.ts';
import type { Endpoint } from '../../../../src/adapters/docker/connect/endpoint.ts';
import { dockerEngine } from '../../../../src/adapters/docker/engine/engine.ts';
import { EngineError } from '../../../../src/core/model/engine-error.ts';
import type { Engine } from '../../../../src/ports/engine.ts';
import { scratch, VERSION } from '../connect/fake-engine.ts';

type Answer = (response: ServerResponse, path: string, nth: number) => void;

type Timeouts = { read: number; change: number; idle: number };

/** No limit that a busy machine could reach. */
const LONG: Timeouts = { read: 60_000, change: 60_000, idle: 60_000 };
/** Limits that the test reaches. */
const SHORT: Timeouts = { read: 100, change: 150, idle: 200 };

/** An engine that answers every call after the first one, for its version, as given. */
async function engineThat(
  t: TestContext,
  answer: Answer,
  timeouts = LONG,
): Promise<{ engine: Engine; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    if (request.url === '/version') return void response.end(JSON.stringify(VERSION));
    const path = `${request.method} ${request.url?.replace(/^\/v[\d.]+/, '')}`;
    asked.push(path);
    answer(response, path, asked.filter((one) => one === path).length);
  });
  server.keepAliveTimeout = 0;
  const path = join(scratch(t), 'engine.sock');
  await new Promise<void>((listening) => server.listen(path, listening));
  const endpoint: Endpoint = { kind: 'unix', path, origin: 'a test' };
  const connection = await connect(endpoint);
  t.after(() => {
    connection.close();
    server.closeAllConnections();
    server.close();
  });
  return { engine: dockerEngine(connection, endpoint, async () => undefined, timeouts), asked };
}

function broken(error: unknown): boolean {
  return error instanceof EngineError && error.status === 0;
}

const BODY = JSON.stringify({ Id: 'abc', Name: '/web' });

test('an answer that breaks off in the middle is asked for once more', async (t) => {
  const { engine, asked } = await engineThat(t, (response, _, nth) => {
    if (nth > 1) return void response.end(BODY);
    response.writeHead(200, { 'content-length': BODY.length });
    response.write(BODY.slice(0, 10), () => response.destroy());
  });
  assert.equal((await engine.container('abc'))?.name, 'web');
  assert.equal(asked.length, 2);
});

test('a change whose answer breaks off in the middle is told, and not repeated', async (t) => {
  const { engine, asked } = await engineThat(t, (response) => {
    response.writeHead(200, { 'content-length': 100 });
    response.write('{', () => response.destroy());
  });
  await assert.rejects(engine.setRestart('abc', { Name: 'no' }), broken);
  assert.equal(asked.length, 1);
});

for (const [what, begin] of [
  ['never begins', () => {}],
  ['stops in the middle', (response: ServerResponse) => void response.writeHead(200).write('{')],
  ['is an error that stops in the middle', (response: ServerResponse) => void response.writeHead(500).write('{')],
] as const) {
  test(`an answer that ${what} ends with an error`, async (t) => {
    const { engine } = await engineThat(t, begin, SHORT);
    const calls = [
      engine.list(),
      engine.start('abc'),
      engine.rename('abc', 'web'),
      engine.stop('abc'),
      engine.resolve('localhost:5000/app:1'),
      engine.pull('localhost:5000/app:1', () => {}),
      engine.copy('abc', 'def', '/etc/app.conf'),
      engine.exec('abc', ['true'], { timeoutMs: 100 }),
    ];
    for (const end of await Promise.allSettled(calls)) {
      assert.ok(end.status === 'rejected' && end.reason instanceof EngineError, JSON.stringify(end));
      assert.match(end.reason.message, /nothing came back in time/);
    }
  });
}

test('a pull goes on for as long as it tells of progress', async (t) => {
  // A busy machine may add a pause of several seconds between two lines.
  const timeouts = { ...LONG, idle: 5000 };
  const answer: Answer = (response) => {
    let lines = 0;
    const timer = setInterval(() => {
      response.write(`${JSON.stringify({ id: 'layer', status: `${++lines}` })}\n`);
      if (lines === 8) response.end(() => clearInterval(timer));
    }, timeouts.idle / 7);
  };
  const { engine } = await engineThat(t, answer, timeouts);
  const told: string[] = [];
  await engine.pull('localhost:5000/app:1', ({ status }) => void told.push(status));
  assert.equal(told.length, 8);
});

test('a stop has the time that the container has for it', async (t) => {
  const answer: Answer = (response, path) => {
    if (path.startsWith('GET'))
      return void response.end(JSON.stringify({ Config: { StopTimeout: 60 }, HostConfig: {} }));
    setTimeout(() => response.writeHead(204).end(), SHORT.change * 3);
  };
  const { engine } = await engineThat(t, answer, { ...LONG, change: SHORT.change });
  await engine.stop('abc');
});

test('the facts of the engine can be asked again after a failure', async (t) => {
  const { engine, asked } = await engineThat(t, (response, _, nth) => {
    if (nth <= 4) return void response.destroy();
    response.end(JSON.stringify({ OSType: 'linux' }));
  });
  await assert.rejects(engine.facts(), broken);
  assert.equal((await engine.facts()).os, 'linux');
  await engine.facts();
  assert.equal(asked.length, 5);
});

test('a read that the engine failed at is asked for again, and its words are told', async (t) => {
  const { engine, asked } = await engineThat(t, (response, path, nth) => {
    if (path.includes('containers/json') && nth > 1) return void response.end('[]');
    response.writeHead(500).end(JSON.stringify({ message: 'containerd is - well - gone' }));
  });
  assert.deepEqual(await engine.list(), []);
  assert.equal(asked.length, 2);
  await assert.rejects(engine.start('abc'), { message: 'containerd is - well - gone', status: 500 });
});

test('what the engine wrongly says once not to know is not believed to be gone', async (t) => {
  const { engine, asked } = await engineThat(t, (response, path, nth) => {
    if (nth === 1) return void response.writeHead(404).end(JSON.stringify({ message: 'no such thing' }));
    if (path.startsWith('GET')) return void response.end(JSON.stringify({ Config: {}, HostConfig: {} }));
    response.writeHead(204).end();
  });
  await engine.stop('abc');
  assert.match(asked.at(-1) ?? '', /^POST .*\/abc\/stop/);
});

test('one wrong 404 leaves nothing behind that was to be removed', async (t) => {
  const { engine, asked } = await engineThat(t, (response, _, nth) => {
    response.writeHead(nth === 1 ? 404 : 204).end(nth === 1 ? JSON.stringify({ message: 'no such thing' }) : undefined);
  });
  await engine.remove('abc');
  assert.equal(asked.length, 2);
});

test('that the removal of a container with --rm can not be waited for is told, after its stop', async (t) => {
  const found = JSON.stringify({
    Id: 'abc',
    Name: '/web',
    Config: { StopTimeout: 0 },
    HostConfig: { AutoRemove: true },
  });
  let stops = true;
  const answer: Answer = (response, path) => {
    if (path.endsWith('/json')) return void response.end(found);
    if (path.includes('/wait')) return void response.writeHead(500).end('{"message":"no"}');
    if (stops) response.writeHead(204).end();
  };
  const { engine } = await engineThat(t, answer, { ...LONG, change: 3000 });
  const refused = (error: unknown) => error instanceof EngineError && error.status === 500;
  await assert.rejects(engine.stop('abc'), refused);
  // Its stop hangs: the earlier answer of the other call ends nothing.
  stops = false;
  await assert.rejects(engine.stop('abc'), (error) => error instanceof EngineError && !refused(error));
});
