// Hooks behind a real HTTP server.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { type HookAnswer, type HookWorld, receiveHook } from '../../../../src/fronts/server/hooks/receive.ts';

/** Serves hooks as the API does, and resolves with the URL before their names. */
export async function served(t: TestContext, world: HookWorld, onAnswer: (answer: HookAnswer) => void = () => {}) {
  const server = createServer(async (incoming, outgoing) => {
    const { url = '', headers } = incoming;
    const { pathname, searchParams: query } = new URL(url, 'http://x');
    const [, , name = '', pathSecret] = pathname.split('/').map(decodeURIComponent);
    const method = incoming.method === 'OPTIONS' ? 'OPTIONS' : 'POST';
    const rawBody = Buffer.concat(await incoming.toArray());
    const request = { method, headers, rawBody, query, pathSecret, address: '' } as const;
    const answer = await receiveHook(name, request, world);
    onAnswer(answer);
    outgoing.writeHead(answer.status, answer.headers);
    outgoing.end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks`;
}
