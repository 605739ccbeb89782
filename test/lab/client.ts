// What a client of a proxy does by hand: single requests, uploads in two halves, upgraded connections.
import http from 'node:http';
import net from 'node:net';
import { inTime } from './waiting.ts';

export interface Answered {
  readonly status: number;
  readonly body: string;
  readonly headers: http.IncomingHttpHeaders;
}

/** One request on a connection of its own, or on one of the agent's. */
export function askOnce(url: string, agent?: http.Agent): Promise<Answered> {
  return inTime(
    new Promise((resolve, reject) => {
      const options = agent ? { agent } : { agent: false as const, headers: { connection: 'close' } };
      http.get(url, options, (response) => resolve(whole(response))).once('error', reject);
    }),
    `an answer of ${url}`,
  );
}

async function whole(response: http.IncomingMessage): Promise<Answered> {
  let body = '';
  for await (const chunk of response) body += String(chunk);
  return { status: response.statusCode ?? 0, body, headers: response.headers };
}

/** The names of the servers that answered so many requests, each on a connection of its own, with their counts. */
export async function askMany(url: string, count: number, atOnce = 20): Promise<Map<string, number>> {
  const names = new Map<string, number>();
  let left = count;
  const one = async (): Promise<void> => {
    while (left-- > 0) {
      const { status, body } = await askOnce(url);
      const name = status === 200 ? body : `HTTP ${status}`;
      names.set(name, (names.get(name) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  return names;
}

/** A request whose answer has begun. */
export function beginSlow(url: string): { readonly answer: Promise<Answered> } {
  const answer = askOnce(`${url}slow`);
  answer.catch(() => {});
  return { answer };
}

/** An upload of which one half is sent. */
export function beginUpload(url: string): { finish(): Promise<Answered>; readonly size: number } {
  const half = Buffer.alloc(64 * 1024, 'x');
  const headers = { 'content-length': half.length * 2 };
  const request = http.request(`${url}upload`, { method: 'POST', agent: false, headers });
  const answer = new Promise<Answered>((resolve, reject) => {
    request.once('response', (response) => resolve(whole(response))).once('error', reject);
  });
  answer.catch(() => {});
  request.write(half);
  return {
    size: half.length * 2,
    finish: () => {
      request.end(half);
      return inTime(answer, 'the end of an upload');
    },
  };
}

export interface Stream {
  /** Whether a word comes back. */
  echoes(word: string): Promise<boolean>;
  close(): void;
}

/** An upgraded connection that echoes. */
export async function openStream(url: string): Promise<Stream> {
  const { hostname, port, host } = new URL(url);
  const socket = net.connect(Number(port), hostname);
  let received = '';
  let ended = false;
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const one of waiting) one();
  };
  socket.on('data', (chunk) => {
    received += chunk;
    wake();
  });
  for (const event of ['end', 'close', 'error'])
    socket.on(event, () => {
      ended = true;
      wake();
    });
  const has = (text: string): Promise<boolean> =>
    inTime(
      new Promise<boolean>((resolve) => {
        const look = (): void => {
          if (!received.includes(text) && !ended) return;
          waiting.delete(look);
          resolve(received.includes(text));
        };
        waiting.add(look);
        look();
      }),
      `${text} on an upgraded connection`,
    );
  socket.write(`GET /ws HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`);
  socket.write('Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
  if (!(await has('\r\n\r\n')) || !received.startsWith('HTTP/1.1 101')) throw new Error(`no upgrade: ${received}`);
  return {
    echoes: (word) => {
      socket.write(word);
      return has(word);
    },
    close: () => void socket.destroy(),
  };
}
