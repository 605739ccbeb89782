// A server behind a proxy that names itself, with answers and uploads that last as long as the test wants.
import { createHash } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export interface Backend {
  readonly name: string;
  /** `IP:PORT`. */
  readonly address: string;
  readonly port: number;
  /** Requests that have begun since the start. */
  requests(): number;
  /** Requests at an endpoint that ends when the test says so. */
  waiting(): number;
  /** Ends the answers of `/slow`. */
  release(): void;
  close(): void;
}

// Longer than any proxy keeps a connection: what closes first is to be the proxy.
const KEPT_MS = 600_000;
// On a busy machine many connections wait to be accepted, and the kernel resets what finds no room.
const BACKLOG = 4096;
// RFC 6455, 1.3.
const WEBSOCKET = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** `/slow` answers at once with its beginning, `/upload` with the number of bytes that it got, `/ws` echoes, others answer. */
export async function startBackend(
  t: TestContext,
  name: string,
  at: { readonly host?: string; readonly port?: number } = {},
): Promise<Backend> {
  const host = at.host ?? '127.0.0.1';
  const slow = new Set<http.ServerResponse>();
  let requests = 0;
  const server = http.createServer((request, response) => {
    requests += 1;
    response.setHeader('x-version', name);
    if (request.url?.startsWith('/slow')) {
      request.resume();
      response.write(`${name} begins\n`);
      slow.add(response);
      response.once('close', () => slow.delete(response));
      return;
    }
    let bytes = 0;
    request.on('data', (chunk: Buffer) => (bytes += chunk.length));
    request.once('end', () => response.end(request.url?.startsWith('/upload') ? String(bytes) : name));
  });
  server.on('upgrade', ({ headers }, socket) => {
    socket.on('error', () => {});
    const accept = createHash('sha1').update(`${headers['sec-websocket-key']}${WEBSOCKET}`).digest('base64');
    const lines = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: websocket'];
    socket.write(`${lines.join('\r\n')}\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
    socket.pipe(socket);
  });
  server.keepAliveTimeout = KEPT_MS;
  server.requestTimeout = KEPT_MS;
  await new Promise<void>((listening) => server.listen({ port: at.port ?? 0, host, backlog: BACKLOG }, listening));
  const { port } = server.address() as AddressInfo;
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  t.after(close);
  return {
    name,
    port,
    address: `${host}:${port}`,
    requests: () => requests,
    waiting: () => slow.size,
    release: () => {
      for (const response of slow) response.end(`${name} ends\n`);
    },
    close,
  };
}

/** Two servers at one port, each with an address of its own, as the containers of a service have it. */
export async function startPair(t: TestContext): Promise<{ readonly old: Backend; readonly next: Backend }> {
  const [old, host] = [await startBackend(t, 'old', { host: '127.0.0.2' }), '127.0.0.3'];
  return { old, next: await startBackend(t, 'next', { host, port: old.port }) };
}
