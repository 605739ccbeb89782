// The command line through a server, as far as it can be seen without one: what it asks, and what it makes of the answers.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import test, { suite } from 'node:test';
import { SwapError } from '../../../src/core/model/error.ts';
import type { Progress } from '../../../src/core/report/progress.ts';
import { askedTarget } from '../../../src/core/update/roll-target.ts';
import { serverAddress } from '../../../src/fronts/client/address.ts';
import { remoteApp } from '../../../src/fronts/client/app.ts';

interface Asked {
  readonly line: string;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

type Answer = readonly [status: number, document: unknown, headers?: Record<string, string>];

/** A server on a unix socket that gives these answers by request line, and the use cases through it. */
async function through(t: test.TestContext, answers: Record<string, Answer | Answer[]>, token?: string) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-client-'));
  const asked: Asked[] = [];
  const left = new Map(Object.entries(answers).map(([line, given]) => [line, isOne(given) ? [given] : [...given]]));
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const line = `${request.method} ${request.url}`;
    const body = await text(request);
    asked.push({
      line,
      authorization: request.headers.authorization,
      body: body === '' ? undefined : JSON.parse(body),
    });
    const all = left.get(line) ?? [[404, { detail: `no answer for ${line}`, code: 'not-found' }]];
    const [status, document, headers = {}] = (all.length > 1 ? all.shift() : all[0]) ?? [500, {}];
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(document));
  };
  const server = createServer((request, response) => void answer(request, response));
  await listen(server, path.join(folder, 's.sock'));
  const progress: Progress[] = [];
  const address = `unix://${path.join(folder, 's.sock')}`;
  const { app, close } = remoteApp({ address, token }, (one) => progress.push(one));
  t.after(() => {
    close();
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });
  return { app, asked, progress, lines: () => asked.map(({ line }) => line) };
}

function isOne(given: Answer | Answer[]): given is Answer {
  return typeof given[0] === 'number';
}

async function listen(server: Server, socket: string): Promise<void> {
  server.listen(socket);
  await once(server, 'listening');
}

async function refusal(work: Promise<unknown>): Promise<SwapError> {
  const error = await work.then(
    () => assert.fail('nothing was raised'),
    (raised: unknown) => raised,
  );
  assert.ok(error instanceof SwapError);
  return error;
}

const signal = new AbortController().signal;
const WEB: Answer = [200, { service: 'shop/web', replicas: [{ service: 'shop/web', slot: 'shop-web-1' }] }];
const REPORT = { service: 'shop/web', outcome: 'rolled', timings: { total: 5 } } as const;
const step = (at: number, words: string) => ({
  at: `2026-11-30T12:00:0${at}Z`,
  kind: 'start',
  slot: 'web',
  text: words,
});

suite('a roll through a server', () => {
  test('asks for the job, follows it with its steps, and has its report', async (t) => {
    const { app, asked, progress, lines } = await through(
      t,
      {
        'GET /v1/services/web': WEB,
        'POST /v1/rolls': [202, { id: 'a1', state: 'queued', steps: [] }],
        'GET /v1/rolls/a1': [
          [200, { id: 'a1', state: 'running', steps: [step(1, 'one')] }, { etag: '"1"' }],
          [304, undefined, { etag: '"1"' }],
          [200, { id: 'a1', state: 'done', steps: [step(1, 'one'), step(2, 'two')], report: REPORT }],
        ],
      },
      'swapctl_x',
    );
    const reports = await app.roll(['web'], {
      target: askedTarget({ image: 'app:2' }),
      force: true,
      overrides: { settle: '2s' },
      signal,
    });
    assert.deepEqual(reports, [REPORT]);
    assert.deepEqual(lines(), [
      'GET /v1/services/web',
      'POST /v1/rolls',
      ...Array.from({ length: 3 }, () => 'GET /v1/rolls/a1'),
    ]);
    assert.deepEqual(asked[1]?.body, { service: 'shop/web', image: 'app:2', force: true, settings: { settle: '2s' } });
    assert.ok(asked.every(({ authorization }) => authorization === 'Bearer swapctl_x'));
    assert.deepEqual(
      progress.map((one) => (one.kind === 'note' ? one.text : one.kind)),
      ['web: one', 'web: two'],
    );
  });

  test('touches nothing if one of several services is not there', async (t) => {
    const { app, lines } = await through(t, { 'GET /v1/services/web': WEB });
    const error = await refusal(app.roll(['web', 'wbe'], { signal }));
    assert.equal(error.code, 'not-found');
    assert.ok(lines().every((line) => line.startsWith('GET ')));
  });

  test('has the refusal of a busy service in its report, and raises that of its caller', async (t) => {
    const refused = (code: string): Record<string, Answer> => ({
      'GET /v1/services/web': WEB,
      'POST /v1/rolls': [409, { code, detail: 'no', hint: 'wait' }, { 'content-type': 'application/problem+json' }],
    });
    const busy = await through(t, refused('busy'));
    assert.deepEqual(await busy.app.roll(['web'], { signal }), [
      {
        ...REPORT,
        outcome: 'failed',
        timings: { total: 0 },
        error: { code: 'busy', message: 'no', hint: 'wait', state: 'untouched' },
      },
    ]);
    const config = await through(t, refused('config'));
    assert.equal((await refusal(config.app.roll(['web'], { signal }))).code, 'config');
  });

  test('cancels the job when it is interrupted, and has the report of that', async (t) => {
    const interruption = new AbortController();
    const failed = { ...REPORT, outcome: 'failed', error: { code: 'interrupted', message: 'cancelled' } };
    const { app, lines } = await through(t, {
      'GET /v1/services/web': WEB,
      'POST /v1/rolls': [202, { id: 'a1', state: 'running', steps: [] }],
      'DELETE /v1/rolls/a1': [202, {}],
      'GET /v1/rolls/a1': [200, { id: 'a1', state: 'done', steps: [], report: failed }],
    });
    interruption.abort();
    assert.deepEqual(await app.roll(['web'], { signal: interruption.signal }), [failed]);
    assert.ok(lines().includes('DELETE /v1/rolls/a1'));
  });
});

suite('other commands through a server', () => {
  test('read the documents of the API', async (t) => {
    const history = { service: 'shop/web', images: [] };
    const { app, asked } = await through(t, {
      'GET /v1/services': [200, { services: [WEB[1]] }],
      'GET /v1/services/shop%2Fweb': WEB,
      'GET /v1/services/shop%2Fweb/history': [200, history],
      'POST /v1/services/shop%2Fweb/plan': [200, { slots: [] }],
      'POST /v1/checks': [202, { id: 'c1', state: 'done', report: [{ service: 'shop/web' }] }],
    });
    assert.deepEqual(await app.names(), ['shop/web']);
    assert.deepEqual((await app.status([])).length, 1);
    assert.deepEqual((await app.status(['shop/web'])).length, 1);
    assert.deepEqual(await app.history('shop/web'), history);
    const overrides = { strategy: 'start-first', settle: '9s' };
    assert.deepEqual(
      await app.plan(['shop/web'], { target: askedTarget({ image: 'app:2' }), explain: true, overrides, signal }),
      [{ slots: [] }],
    );
    assert.deepEqual(asked.at(-1)?.body, {
      image: 'app:2',
      explain: true,
      settings: overrides,
    });
    assert.deepEqual(await app.check([], signal), [{ service: 'shop/web' }]);
  });

  test('roll back with the confirmation that the API wants', async (t) => {
    const { app, asked } = await through(t, {
      'GET /v1/services/web': WEB,
      'POST /v1/services/shop%2Fweb/rollback': [202, { id: 'b1', state: 'done', report: REPORT }],
    });
    assert.deepEqual(await app.rollback('web', { withVolumes: true, signal }), REPORT);
    assert.deepEqual(asked[1]?.body, { confirm: 'shop/web', withVolumes: true });
  });

  test('are refused if the API has no such thing', async (t) => {
    const { app } = await through(t, { 'GET /v1/services/web': WEB });
    for (const use of [() => app.recover([], signal), () => app.doctor(), () => app.dev])
      assert.throws(use, /this command does not work through a server/);
  });
});

suite('a server', () => {
  test('that is not there is out of reach, and one that is no swapctl gives a bad answer', async (t) => {
    const gone = remoteApp({ address: 'unix:///nowhere/s.sock', token: undefined }, () => {});
    t.after(gone.close);
    const error = await refusal(gone.app.status([]));
    assert.equal(error.code, 'engine-unreachable');
    assert.match(error.message, /^the server unix:\/\/\/nowhere\/s\.sock can't be reached: .*ENOENT/);
    const other = await through(t, { 'GET /v1/services': [500, 'oops'] });
    assert.equal((await refusal(other.app.status([]))).code, 'bad-answer');
  });

  test('is named by a socket or by https; http is for this machine', () => {
    assert.deepEqual(serverAddress('unix:///a/b').socketPath, '/a/b');
    assert.equal(serverAddress('https://host:8443/').origin, 'https://host:8443');
    assert.equal(serverAddress('http://127.0.0.1:80').origin, 'http://127.0.0.1');
    for (const [wrong, message] of [
      ['host:8443', /is not the address of a server/],
      ['unix://', /is not the address of a server/],
      ['http://host:8443', /in plain text/],
      ['https://me:secret@host', /no path and no login/],
      ['https://host/api', /no path and no login/],
    ] as const)
      assert.throws(
        () => serverAddress(wrong),
        (error) => error instanceof SwapError && message.test(error.message) && !error.message.includes('secret'),
      );
  });
});
