// The request of a hook to a URL, and its error if that fails.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import test, { suite } from 'node:test';
import { openPost } from '../../../src/adapters/notify/open.ts';
import { stoppedClock } from '../registry/scripted.ts';

const PATIENT_MS = 120_000;
const post = openPost({ env: {}, clock: stoppedClock(), authorities: async () => [] });

/** The URL of a server with this answer. */
async function server(t: test.TestContext, answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const listening = createServer(answer).listen(0, '127.0.0.1');
  t.after(() => {
    listening.closeAllConnections();
    listening.close();
  });
  await once(listening, 'listening');
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}/hook?token=geheim`;
}

suite('a hook that calls a URL', () => {
  test('sends a document as JSON', async (t) => {
    const got: unknown[] = [];
    const url = await server(t, async (request, response) => {
      got.push([request.method, request.url, request.headers['content-type'], JSON.parse(await text(request))]);
      response.writeHead(204).end();
    });
    await post(url, { event: 'switched' }, PATIENT_MS);
    assert.deepEqual(got, [['POST', '/hook?token=geheim', 'application/json', { event: 'switched' }]]);
  });

  test('fails if it is refused, or sent elsewhere, without a word of what is secret', async (t) => {
    const asked: (string | undefined)[] = [];
    const url = await server(t, (request, response) => {
      asked.push(request.url);
      if (request.url?.startsWith('/hook')) response.writeHead(302, { location: '/other' }).end();
      else response.writeHead(200).end();
    });
    await assert.rejects(post(url, {}, PATIENT_MS), ({ message }: Error) => {
      assert.match(message, /^127\.0\.0\.1:\d+ answers 302, a redirect$/);
      return true;
    });
    assert.deepEqual(asked, ['/hook?token=geheim'], 'no redirect is followed');
    const echo = await server(t, (request, response) => void response.writeHead(400).end(`no ${request.url}`));
    await assert.rejects(post(echo, {}, PATIENT_MS), ({ message }: Error) => {
      assert.doesNotMatch(message, /geheim/);
      return true;
    });
  });

  test('fails if there is no answer in time', async (t) => {
    const url = await server(t, () => {});
    await assert.rejects(post(url, {}, 200), { message: 'no answer within 0.2 s' });
  });
});
