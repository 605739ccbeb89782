import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2';
import type { Server, Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { Listen } from '../../../core/access/listen.ts';
import type { ServerConfig } from '../../../core/access/server-config.ts';
import { fail, messageOf } from '../../../core/model/error.ts';
import type { Bindings } from '../http/request/bindings.ts';
import { HttpError, problemResponse } from '../http/request/problem.ts';
import type { ServerLog } from '../world.ts';
import { readTls, type TlsTexts } from './tls.ts';
import { listenOnSocket } from './unix-socket.ts';

/** Answers requests from any socket. */
export type Fetch = (request: Request, bindings: Bindings) => Response | Promise<Response>;

export interface Listeners {
  /** The addresses, with the port that a `:0` became. */
  readonly addresses: readonly string[];
  /** Takes no new connections; resolves once all answers are sent, and cuts what is left at the deadline. */
  close(graceMs: number): Promise<void>;
}

// A client that sends its head or body slower than this is a slow-loris, or gone.
const HEADERS_MS = 10_000;
const REQUEST_MS = 30_000;
const LOOK_EVERY_MS = 2_000;
const KEEP_ALIVE_MS = 65_000;
const MOST_CONNECTIONS = 512;
const MOST_STREAMS = 100;
const HEAD_BYTES = 16 * 1024;
const RELOAD_EVERY_MS = 10_000;

/** Listens on all the addresses, or on none. Raises `config` and `busy`. */
export async function listenOn(
  addresses: readonly Listen[],
  { tls }: Pick<ServerConfig, 'tls'>,
  fetch: Fetch,
  log: ServerLog,
): Promise<Listeners> {
  const texts = tls && addresses.some(({ kind }) => kind === 'tcp') ? await readTls(tls) : undefined;
  const opened: Opened[] = [];
  try {
    for (const address of addresses) opened.push(await open(address, texts, fetch));
  } catch (raised) {
    for (const { server } of opened) server.close();
    throw raised;
  }
  const secure = opened.flatMap(({ server }) => ('setSecureContext' in server ? [server] : []));
  const reloading = tls && texts && secure.length > 0 ? reloadTls(tls, texts, secure, log) : undefined;
  return {
    addresses: opened.map(({ address }) => address),
    close: async (graceMs) => {
      clearInterval(reloading);
      await Promise.all(opened.map((one) => closed(one, graceMs)));
    },
  };
}

interface Opened {
  readonly server: Server | Http2SecureServer;
  readonly address: string;
  readonly sockets: ReadonlySet<Socket>;
}

async function open(listen: Listen, tls: TlsTexts | undefined, fetch: Fetch): Promise<Opened> {
  const answerAll = getRequestListener(
    (request, bindings) => fetch(request, { ...(bindings as Bindings), transport: listen.kind }),
    // The rest of the program keeps the Request and Response of Node.
    { overrideGlobalObjects: false, errorHandler: (raised) => problemResponse(notReadable(raised), '') },
  );
  const server = listen.kind === 'tcp' && tls ? secureServer(tls, answerAll) : plainServer(answerAll);
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.maxConnections = MOST_CONNECTIONS;
  if (listen.kind === 'unix') await listenOnSocket(server as Server, listen.path);
  else await listenOnPort(server as Server, listen);
  return { server, sockets, address: addressOf(listen, server as Server, tls !== undefined) };
}

function notReadable(raised: unknown): HttpError {
  return new HttpError(400, 'usage', `the request can't be read: ${messageOf(raised)}`);
}

type Handler = (request: IncomingMessage | Http2ServerRequest, response: ServerResponse | Http2ServerResponse) => void;

// One function answers HTTP/1.1 and HTTP/2 on one port; gRPC becomes a branch of it.
function secureServer(tls: TlsTexts, handler: Handler): Http2SecureServer {
  const server = createSecureServer(
    {
      ...tls,
      allowHTTP1: true,
      minVersion: 'TLSv1.2',
      requestCert: tls.ca !== undefined,
      // A caller without a certificate may have a token: the gatekeeper decides.
      rejectUnauthorized: false,
      handshakeTimeout: HEADERS_MS,
      maxHeaderSize: HEAD_BYTES,
      settings: { maxConcurrentStreams: MOST_STREAMS },
    } as Parameters<typeof createSecureServer>[0],
    handler,
  );
  const timeouts = { headersTimeout: HEADERS_MS, requestTimeout: REQUEST_MS, keepAliveTimeout: KEEP_ALIVE_MS };
  Object.assign(server, timeouts);
  server.on('session', (session) => session.setTimeout(KEEP_ALIVE_MS, () => session.close()));
  // A handshake that fails is the client's business.
  server.on('tlsClientError', () => {});
  server.on('sessionError', () => {});
  return server;
}

function plainServer(handler: Handler): HttpServer {
  return createServer(
    {
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      connectionsCheckingInterval: LOOK_EVERY_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: HEAD_BYTES,
    },
    handler,
  );
}

function listenOnPort(server: Server, { host, port }: Extract<Listen, { kind: 'tcp' }>): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(notPossible(host, port, error)));
    server.listen({ host, port }, resolve);
  });
}

function notPossible(host: string, port: number, error: unknown): unknown {
  try {
    return fail('config', `the server can't listen on ${host}:${port}: ${messageOf(error)}`, {
      hint: 'see which program has the address (ss -ltnp), or listen on another one (--listen)',
      cause: error,
    });
  } catch (raised) {
    return raised;
  }
}

function addressOf(listen: Listen, server: Server, secure: boolean): string {
  if (listen.kind === 'unix') return `unix://${listen.path}`;
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : listen.port;
  const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host;
  return `${secure ? 'https' : 'http'}://${host}:${port}`;
}

// A certificate that was renewed counts from the next connection on; one that can't be used does not replace one that can.
function reloadTls(
  files: NonNullable<ServerConfig['tls']>,
  first: TlsTexts,
  servers: readonly Http2SecureServer[],
  log: ServerLog,
): NodeJS.Timeout {
  let known = JSON.stringify(first);
  let told = '';
  const look = async (): Promise<void> => {
    try {
      const texts = await readTls(files);
      told = '';
      if (JSON.stringify(texts) === known) return;
      known = JSON.stringify(texts);
      for (const server of servers) server.setSecureContext(texts);
      log.tell('info', 'the TLS certificate of the server was read again');
    } catch (raised) {
      if (messageOf(raised) !== told) log.tell('error', `${messageOf(raised)}; the one before stays in use`);
      told = messageOf(raised);
    }
  };
  return setInterval(() => void look(), RELOAD_EVERY_MS).unref();
}

async function closed({ server, sockets }: Opened, graceMs: number): Promise<void> {
  const end = new Promise<void>((resolve) => void server.close(() => resolve()));
  if ('closeIdleConnections' in server) (server as HttpServer).closeIdleConnections();
  const cut = setTimeout(() => {
    for (const socket of sockets) socket.destroy();
  }, graceMs);
  await end;
  clearTimeout(cut);
}
