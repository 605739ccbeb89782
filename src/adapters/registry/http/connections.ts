import http, { type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { LookupFunction, Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';

/** One request. */
export interface Exchange {
  readonly method: 'HEAD' | 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

/** The head of an answer, and its body as it comes. */
export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: AsyncIterable<Buffer>;
}

/** Connections to one host, kept open between requests. */
export interface Connections {
  exchange(request: Exchange): Promise<Reply>;
  close(): void;
}

/** The time limits for a host, in milliseconds. */
export interface Timeouts {
  readonly connect: number;
  /** To the first byte of an answer. */
  readonly headers: number;
  /** Between two bytes of an answer. */
  readonly body: number;
  /** One try, from the connection to the last byte. */
  readonly attempt: number;
}

/** The options of a connection. */
export interface ConnectOptions {
  readonly secureContext?: SecureContext;
  readonly rejectUnauthorized?: boolean;
  readonly lookup?: LookupFunction;
}

/** The maximum of connections to one host. */
export const CONNECTIONS = 16;

/** Error codes of timeouts. */
export const NO_ANSWER = 'ERR_NO_ANSWER';
export const NO_END = 'ERR_NO_END';

// Registries and their load balancers close idle connections after some time; closing earlier avoids lost requests.
const IDLE_MS = 4000;

/** Connections without a proxy. Node's own client takes a third of undici's memory and load time. */
export function directConnections(secure: boolean, options: ConnectOptions, timeouts: Timeouts): Connections {
  const kept = { ...options, keepAlive: true, maxSockets: CONNECTIONS, timeout: IDLE_MS };
  const agent = secure ? new https.Agent(kept) : new http.Agent(kept);
  let closed = false;
  return {
    exchange: async (request) => {
      if (closed) throw new Error('the connections are closed');
      const answer = await sent(request, agent, timeouts);
      return { status: answer.statusCode ?? 0, headers: answer.headers, body: answer };
    },
    close: () => {
      closed = true;
      agent.destroy();
    },
  };
}

function sent({ method, url, headers, body, signal }: Exchange, agent: http.Agent, timeouts: Timeouts) {
  const { request } = agent instanceof https.Agent ? https : http;
  return new Promise<IncomingMessage>((resolve, reject) => {
    const asked = request(url, { method, headers, agent, signal, timeout: timeouts.headers });
    asked.once('error', reject);
    asked.once('timeout', () => asked.destroy(late(NO_ANSWER)));
    asked.once('socket', (socket) => limitConnecting(asked, socket, timeouts.connect));
    asked.once('response', (answer) => {
      asked.removeAllListeners('timeout').setTimeout(timeouts.body, () => answer.destroy(late(NO_END)));
      resolve(answer);
    });
    asked.end(body);
  });
}

function limitConnecting(asked: http.ClientRequest, socket: Socket, limitMs: number): void {
  if (!socket.connecting) return;
  const timer = setTimeout(() => asked.destroy(late('ETIMEDOUT')), limitMs);
  const over = (): void => clearTimeout(timer);
  socket.once(socket instanceof TLSSocket ? 'secureConnect' : 'connect', over).once('close', over);
}

function late(code: string): Error {
  return Object.assign(new Error('too late'), { code });
}
