import http from 'node:http';
import net from 'node:net';
import { Duplex, type Readable } from 'node:stream';
import type { ProxyAnswer, ProxyRequest, ProxySocket } from '../../../ports/proxy-access.ts';

/** No command of a proxy takes longer. */
const ANSWER_WITHIN_MS = 30_000;
/** The most that a proxy may answer. */
export const MOST_ANSWER = 8 * 1024 * 1024;

/** Sends a text to a socket of this machine and resolves with the answer. */
export function exchangeHere(socket: ProxySocket, text: string, signal: AbortSignal): Promise<string> {
  const connection = net.connect('path' in socket ? { path: socket.path } : socket);
  connection.setTimeout(ANSWER_WITHIN_MS, () => connection.destroy(new Error('no answer')));
  connection.once('connect', () => connection.write(text));
  return allOf(connection, signal);
}

/** The same by a way that takes the whole text and resolves with the whole answer. */
export type Exchange = (text: string) => Promise<string>;

/** An HTTP request to a socket of this machine. */
export function httpHere(socket: ProxySocket, request: ProxyRequest, signal: AbortSignal): Promise<ProxyAnswer> {
  const to = 'path' in socket ? { socketPath: socket.path } : { host: socket.host, port: socket.port };
  return ask({ ...to, agent: false }, socket, request, signal);
}

/** An HTTP request by an exchange of texts. */
export function httpBy(
  exchange: Exchange,
  socket: ProxySocket,
  request: ProxyRequest,
  signal: AbortSignal,
): Promise<ProxyAnswer> {
  const told = new Received(exchange);
  return ask({ createConnection: () => told as never }, socket, request, signal, () => told.send());
}

async function ask(
  to: http.RequestOptions,
  socket: ProxySocket,
  { method, path, headers, body }: ProxyRequest,
  signal: AbortSignal,
  sent?: () => void,
): Promise<ProxyAnswer> {
  const host = 'path' in socket ? 'localhost' : authority(socket);
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const options = { ...to, method, path, signal, headers: { host, connection: 'close', ...length, ...headers } };
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    const request = http.request(options, resolve);
    request.setTimeout(ANSWER_WITHIN_MS, () => request.destroy(new Error('no answer')));
    request.once('error', reject);
    if (sent) request.once('finish', sent);
    request.end(body);
  });
  const shown = Object.entries(response.headers).map(([name, value]) => [name, String(value)]);
  return { status: response.statusCode ?? 0, headers: Object.fromEntries(shown), body: await allOf(response, signal) };
}

function authority({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function allOf(stream: Readable, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const abort = (): void => void stream.destroy(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    stream.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size > MOST_ANSWER) stream.destroy(new Error('it answers too much'));
    });
    stream.once('error', reject);
    stream.once('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    stream.once('close', () => {
      signal.removeEventListener('abort', abort);
      reject(new Error('it closed the connection in the middle'));
    });
  });
}

/** A connection that collects what is written, and sends it in one exchange. */
class Received extends Duplex {
  readonly #exchange: Exchange;
  readonly #written: Buffer[] = [];

  constructor(exchange: Exchange) {
    super();
    this.#exchange = exchange;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#written.push(chunk);
    done();
  }

  override _read(): void {}

  // http.ClientRequest asks for these of a socket.
  setTimeout(): this {
    return this;
  }

  send(): void {
    this.#exchange(Buffer.concat(this.#written).toString('utf8')).then(
      (answer) => {
        this.push(answer);
        this.push(null);
      },
      (error) => this.destroy(error),
    );
  }
}
