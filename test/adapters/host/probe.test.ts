// The probe's reading of a real server's answers.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { suite } from 'node:test';
import { askOnce } from '../../../src/adapters/host/probe.ts';

const LONG_MS = 60_000;

type Respond = (request: http.IncomingMessage, response: http.ServerResponse) => void;

/** Probes a server with this answer. */
async function asked(t: test.TestContext, respond: Respond, more: { path?: string; hostHeader?: string } = {}) {
  const server = http.createServer(respond).listen(0, '127.0.0.1');
  t.after(() => server.close().closeAllConnections());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { port, answer: await askOnce({ host: '127.0.0.1', port, path: '/healthz', ...more }, LONG_MS) };
}

function refusal(status: number, body: string | Buffer): Respond {
  return (_, response) => void response.writeHead(status).end(body);
}

suite('a refused probe shows the first line of the body', () => {
  const cut = `HTTP 403 from /healthz: ${'x'.repeat(119)}…`;
  const table: [string, number, string | Buffer, string][] = [
    ['plain text', 403, '\n  Invalid Host header \nmore', 'HTTP 403 from /healthz: Invalid Host header'],
    [
      'a page, by its words',
      400,
      '<!doctype html>\n<html lang="en">\n<head>\n  <title>Bad Request (400)</title>\n</head>',
      'HTTP 400 from /healthz: Bad Request (400)',
    ],
    ['none', 404, '', 'HTTP 404 from /healthz'],
    ['a long one', 403, 'x'.repeat(5000), cut],
    ['tags that never close', 421, '<'.repeat(5000), `HTTP 421 from /healthz: ${'<'.repeat(119)}…`],
    ['colours and bells', 503, '\u001b[31mdown\u001b[0m\r\n\u0007', 'HTTP 503 from /healthz: down'],
  ];
  for (const [what, status, body, output] of table)
    test(what, async (t) => {
      const { answer } = await asked(t, refusal(status, body));
      assert.deepEqual(answer, { ok: false, reached: true, output, status });
    });

  test('as far as it has come, if it never ends', async (t) => {
    const { answer } = await asked(t, (_, response) => void response.writeHead(403).write('not here\n'));
    assert.equal(answer.output, 'HTTP 403 from /healthz: not here');
  });

  test('as far as it has come, if the connection breaks', async (t) => {
    const { answer } = await asked(t, (_, response) => {
      response.writeHead(403, { 'content-length': 100 });
      response.write('not here\n', () => response.destroy());
    });
    assert.match(answer.output, /^HTTP 403 from \/healthz/);
    assert.equal(answer.ok, false);
  });
});

suite('the Host header', () => {
  const byName: Respond = ({ headers }, response) => {
    const known = headers.host === 'app.example.com';
    response.writeHead(known ? 200 : 400).end(`Invalid HTTP_HOST header: '${headers.host}'`);
  };

  test('is the address without a host', async (t) => {
    const { port, answer } = await asked(t, byName);
    const output = `HTTP 400 from /healthz: Invalid HTTP_HOST header: '127.0.0.1:${port}'`;
    assert.deepEqual(answer, { ok: false, reached: true, output, status: 400 });
  });

  test('is the host that is given', async (t) => {
    const { answer } = await asked(t, byName, { hostHeader: 'app.example.com' });
    assert.deepEqual(answer, { ok: true, reached: true, output: 'HTTP 200 from /healthz', status: 200 });
  });
});
