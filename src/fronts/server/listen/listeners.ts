import type { Server as HttpServer } from 'node:http';
import type { Http2SecureServer } from 'node:http2';
import type { Server, Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { Listen } from '../../../core/access/listen.ts';
import type { ServerConfig } from '../../../core/access/server-config.ts';
import { fail, messageOf } from '../../../core/model/error.ts';
import type { Bindings } from '../http/request/bindings.ts';
import { HttpError, problemResponse } from '../http/request/problem.ts';
import type { ServerLog } from '../world.ts';
import { reloadTls } from './reload-tls.ts';
import { type NodeRequest, type NodeResponse, plainServer, secureServer } from './servers.ts';
import { TIMEOUTS, type Timeouts } from './timeouts.ts';
import { readTls, type TlsTexts } from './tls.ts';
import { listenOnSocket } from './unix-socket.ts';

/** The answers of the server, on any socket. */
export interface Answering {
  readonly fetch: (request: Request, bindings: Bindings) => Response | Promise<Response>;
  /** Takes the requests of gRPC; false: it is another request. */
  readonly grpc: (request: NodeRequest, response: NodeResponse, transport: 'unix' | 'tcp') => boolean;
}

export interface Listeners {
  /** The addresses, with the port that a `:0` became. */
  readonly addresses: readonly string[];
  /** Reads the TLS files again, if there are any. */
  reload(): Promise<void>;
  /** Takes no new connections; resolves once all answers are sent, and cuts what is left at the deadline. */
  close(graceMs: number): Promise<void>;
}

const MOST_CONNECTIONS = 512;

/** Listens on all the addresses, or on none. Raises `config` and `busy`. */
export async function listenOn(
  addresses: readonly Listen[],
  { tls }: Pick<ServerConfig, 'tls'>,
  answering: Answering,
  log: ServerLog,
  timeouts: Timeouts = TIMEOUTS,
): Promise<Listeners> {
  const texts = tls && addresses.some(({ kind }) => kind === 'tcp') ? await readTls(tls) : undefined;
  const opened: Opened[] = [];
  try {
    for (const address of addresses) opened.push(await open(address, texts, answering, timeouts));
  } catch (raised) {
    for (const { server } of opened) server.close();
    throw raised;
  }
  const secure = opened.flatMap(({ server }) => ('setSecureContext' in server ? [server] : []));
  const often = { log, everyMs: timeouts.reloadEvery };
  const reloading = tls && texts && secure.length > 0 ? reloadTls(tls, texts, secure, often) : undefined;
  return {
    addresses: opened.map(({ address }) => address),
    reload: async () => reloading?.look(),
    close: async (graceMs) => {
      reloading?.stop();
      await Promise.all(opened.map((one) => closed(one, graceMs)));
    },
  };
}

interface Opened {
  readonly server: Server | Http2SecureServer;
  readonly address: string;
  readonly sockets: ReadonlySet<Socket>;
}

async function open(
  listen: Listen,
  tls: TlsTexts | undefined,
  { fetch, grpc }: Answering,
  timeouts: Timeouts,
): Promise<Opened> {
  const answerHttp = getRequestListener(
    (request, bindings) => fetch(request, { ...(bindings as Bindings), transport: listen.kind }),
    // The rest of the program keeps the Request and Response of Node.
    { overrideGlobalObjects: false, errorHandler: (raised) => problemResponse(notReadable(raised), '') },
  );
  const answerAll = (request: NodeRequest, response: NodeResponse): void => {
    if (!grpc(request, response, listen.kind)) void answerHttp(request, response);
  };
  const server =
    listen.kind === 'tcp' && tls ? secureServer(tls, answerAll, timeouts) : plainServer(answerAll, timeouts);
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

async function closed({ server, sockets }: Opened, graceMs: number): Promise<void> {
  const end = new Promise<void>((resolve) => void server.close(() => resolve()));
  server.emit('ending');
  if ('closeIdleConnections' in server) (server as HttpServer).closeIdleConnections();
  const cut = setTimeout(() => {
    for (const socket of sockets) socket.destroy();
  }, graceMs);
  await end;
  clearTimeout(cut);
}
