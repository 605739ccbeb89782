import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import {
  constants,
  createServer as createHttp2Server,
  createSecureServer,
  type Http2SecureServer,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Timeouts } from './timeouts.ts';
import type { TlsTexts } from './tls.ts';

// The servers of Node that answer on one address, over HTTP/1.1 and HTTP/2, with and without TLS.

export type NodeRequest = IncomingMessage | Http2ServerRequest;
export type NodeResponse = ServerResponse | Http2ServerResponse;
/** Answers requests of either protocol. */
export type Handler = (request: NodeRequest, response: NodeResponse) => void;

const MOST_STREAMS = 100;
const HEAD_BYTES = 16 * 1024;

/** One function answers HTTP/1.1 and HTTP/2 on one port. */
export function secureServer(tls: TlsTexts, handler: Handler, timeouts: Timeouts): Http2SecureServer {
  const server = createSecureServer(
    {
      ...tls,
      allowHTTP1: true,
      minVersion: 'TLSv1.2',
      requestCert: tls.ca !== undefined,
      // A caller without a certificate may have a token: the gatekeeper decides.
      rejectUnauthorized: false,
      handshakeTimeout: timeouts.headers,
      maxHeaderSize: HEAD_BYTES,
      settings: { maxConcurrentStreams: MOST_STREAMS },
    } as Parameters<typeof createSecureServer>[0],
    handler,
  );
  const { headers, request, lookEvery, keepAlive } = timeouts;
  // Node takes these times of HTTP/1.1 from the server, not from its options.
  const times = { headersTimeout: headers, requestTimeout: request, keepAliveTimeout: keepAlive };
  Object.assign(server, { ...times, connectionsCheckingInterval: lookEvery });
  // A failed handshake is the client's problem.
  server.on('tlsClientError', () => {});
  server.on('secureConnection', readInTurn);
  endSessions(server, server, timeouts);
  return server;
}

// The parser of Node takes TLS records from below the socket, also while it is paused for pipelined requests, and then fails
// with HPE_PAUSED. A listener for data makes it read from the socket, which waits.
function readInTurn(socket: TLSSocket): void {
  if (socket.alpnProtocol !== 'h2') socket.on('data', ignore);
}

/** Without TLS, a client with HTTP/2 (as gRPC) starts with its preface. */
export function plainServer(handler: Handler, timeouts: Timeouts): HttpServer {
  const { headers, request, lookEvery, keepAlive } = timeouts;
  const server = createServer(
    {
      headersTimeout: headers,
      requestTimeout: request,
      connectionsCheckingInterval: lookEvery,
      keepAliveTimeout: keepAlive,
      maxHeaderSize: HEAD_BYTES,
    },
    handler,
  );
  const http2 = createHttp2Server({ settings: { maxConcurrentStreams: MOST_STREAMS } }, handler);
  endSessions(http2, server, timeouts);
  const answerHttp1 = server.listeners('connection');
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) =>
    sniff(socket, server, headers, (isHttp2) => {
      if (isHttp2) return void http2.emit('connection', socket);
      for (const answer of answerHttp1) answer.call(server, socket);
      process.nextTick(() => socket.resume());
    }),
  );
  return server;
}

// No method of HTTP/1.1 begins like this, and the preface of HTTP/2 does.
const PREFACE = 'PRI';

function sniff(socket: Socket, server: HttpServer, withinMs: number, decide: (isHttp2: boolean) => void): void {
  let head = Buffer.alloc(0);
  const destroy = (): void => void socket.destroy();
  const late = setTimeout(destroy, withinMs);
  const look = (chunk: Buffer): void => {
    head = Buffer.concat([head, chunk]);
    const start = head.toString('latin1', 0, PREFACE.length);
    if (start.length < PREFACE.length && PREFACE.startsWith(start)) return;
    leave();
    socket.pause();
    socket.unshift(head);
    decide(start === PREFACE);
  };
  const leave = (): void => {
    clearTimeout(late);
    socket.off('data', look).off('close', leave).off('error', ignore);
    server.off('ending', destroy);
  };
  socket.on('data', look).once('close', leave).on('error', ignore);
  server.once('ending', destroy);
}

function ignore(): void {}

// Node has such a limit for HTTP/1.1 only. A stream whose client is still sending is open; a whole request has half closed it.
function endSlow(stream: ServerHttp2Stream, withinMs: number): void {
  const late = setTimeout(() => {
    if (stream.state.state === constants.NGHTTP2_STREAM_STATE_OPEN) stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }, withinMs);
  stream.once('close', () => clearTimeout(late));
}

// A session without calls ends after a while, and when the server ends: `ending` of the server that listens.
function endSessions(
  http2: Http2Server | Http2SecureServer,
  listening: HttpServer | Http2SecureServer,
  { keepAlive, request }: Timeouts,
): void {
  http2.on('session', (session) => {
    const end = (): void => session.close();
    session.setTimeout(keepAlive, end);
    (listening as HttpServer).once('ending', end);
    session.once('close', () => (listening as HttpServer).off('ending', end));
  });
  http2.on('stream', (stream) => endSlow(stream, request));
  http2.on('sessionError', ignore);
  (listening as HttpServer).setMaxListeners(0);
}
