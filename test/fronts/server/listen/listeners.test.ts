import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { Listen } from '../../../../src/core/access/listen.ts';
import { type Listeners, listenOn } from '../../../../src/fronts/server/listen/listeners.ts';
import { TIMEOUTS, type Timeouts } from '../../../../src/fronts/server/listen/timeouts.ts';
import { eventually } from '../../../lab/waiting.ts';
import { certificate } from '../certificate.ts';

interface Open {
  readonly listeners: Listeners;
  readonly folder: string;
  readonly log: string[];
  readonly socket: string;
  readonly port: number;
}

/** Listens on a unix socket and on TCP with TLS; every answer is `ok`. */
async function opened(t: TestContext, timeouts: Partial<Timeouts> = {}): Promise<Open> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-listen-'));
  const socket = path.join(folder, 'api.sock');
  const addresses: Listen[] = [
    { kind: 'unix', path: socket },
    { kind: 'tcp', host: '127.0.0.1', port: 0 },
  ];
  const log: string[] = [];
  const tls = { ...certificate(folder, 'server'), ca: certificate(folder, 'client').cert };
  const listeners = await listenOn(
    addresses,
    { tls },
    { fetch: () => new Response('ok'), grpc: () => false },
    { write: (level, text) => void log.push(`${level} ${text}`) },
    { ...TIMEOUTS, ...timeouts },
  );
  t.after(async () => {
    await listeners.close(0);
    rmSync(folder, { recursive: true });
  });
  const port = Number(new URL(listeners.addresses[1] ?? '').port);
  return { listeners, folder, log, socket, port };
}

const closed = (socket: Socket): Promise<void> => new Promise((resolve) => socket.once('close', () => resolve()));

const SLOW: Partial<Timeouts> = { headers: 200, request: 400, lookEvery: 20 };

function secure({ port }: Open): TLSSocket {
  return connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
}

const DOORS: Readonly<Record<string, (open: Open) => Socket>> = {
  'a unix socket': ({ socket }) => connect(socket),
  'TCP with TLS': secure,
};

for (const [door, knock] of Object.entries(DOORS)) {
  test(`a client on ${door} that never ends its head or its body is cut, and others are answered meanwhile`, async (t) => {
    const open = await opened(t, SLOW);
    const heads = Array.from({ length: 50 }, () => knock(open));
    const body = knock(open);
    const cut = [...heads, body].map(closed);
    for (const one of heads)
      one
        .on('error', () => {})
        .resume()
        .write('GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ');
    body
      .on('error', () => {})
      .resume()
      .write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nslow');
    // On a slow machine this client may be late, too.
    const answered = await eventually('an answer', () => answer(open.socket).catch(() => undefined));
    assert.equal(answered, 'ok');
    await Promise.all(cut);
  });
}

for (const [door, knock] of Object.entries(DOORS)) {
  test(`a client on ${door} may send thousands of requests without waiting, and gets an answer to each`, async (t) => {
    const count = 3000;
    const socket = knock(await opened(t));
    // The last request ends the connection. TLS records of 16 KB hold some hundred of them.
    const ask = (connection: string) => `GET / HTTP/1.1\r\nHost: x\r\nConnection: ${connection}\r\n\r\n`;
    socket.write(ask('keep-alive').repeat(count - 1) + ask('close'));
    const answers = Buffer.concat(await socket.toArray()).toString();
    assert.equal(answers.split('HTTP/1.1 200 ').length - 1, count);
  });
}

function answer(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path: '/' }, async (response) =>
      resolve(Buffer.concat(await response.toArray()).toString()),
    );
    asked.on('error', reject).end();
  });
}

test('a server waits ten seconds for a head and thirty for a request, and looks for late clients more often', () => {
  assert.deepEqual([TIMEOUTS.headers, TIMEOUTS.request], [10_000, 30_000]);
  assert.ok(TIMEOUTS.lookEvery < TIMEOUTS.headers);
});

/** The certificate of the server as a new connection sees it. */
function seen(open: Open): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = secure(open);
    socket.on('error', reject).once('secureConnect', () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
  });
}

function replace({ folder }: Open, name: string): void {
  certificate(folder, name);
  for (const kind of ['crt', 'key'])
    copyFileSync(path.join(folder, `${name}.${kind}`), path.join(folder, `server.${kind}`));
}

test('a renewed certificate counts for new connections, and those before go on', async (t) => {
  const open = await opened(t);
  const before = secure(open);
  await new Promise((resolve) => before.once('secureConnect', resolve));
  replace(open, 'renewed');
  assert.equal(await seen(open), 'server');
  await open.listeners.reload();
  assert.equal(await seen(open), 'renewed');
  before.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  assert.match(Buffer.concat(await before.toArray()).toString(), /^HTTP\/1\.1 200 /);
  assert.deepEqual(open.log, ['info the TLS certificate of the server was read again']);
  await open.listeners.reload();
  assert.equal(open.log.length, 1);
});

test('the server finds a renewed certificate by itself', async (t) => {
  const open = await opened(t, { reloadEvery: 20 });
  replace(open, 'renewed');
  await eventually('the new certificate is in force', async () => (await seen(open)) === 'renewed');
});

test('files that can not be used leave the certificate before in force, and the log names them once', async (t) => {
  const open = await opened(t);
  const { folder, listeners, log } = open;
  const key = readFileSync(path.join(folder, 'server.key'));
  certificate(folder, 'other');
  const wrong = [readFileSync(path.join(folder, 'other.key')), Buffer.from('no key'), Buffer.alloc(0)];
  for (const [at, text] of wrong.entries()) {
    writeFileSync(path.join(folder, 'server.key'), text);
    for (let time = 0; time < 3; time++) await listeners.reload();
    assert.equal(log.length, at + 1, log.join('\n'));
    assert.match(
      log.at(-1) ?? '',
      /^error the TLS files of the server can't be used: .*; the certificate before stays in use$/,
    );
    assert.equal(await seen(open), 'server');
  }
  writeFileSync(path.join(folder, 'server.key'), key);
  writeFileSync(path.join(folder, 'client.crt'), '');
  await listeners.reload();
  assert.match(log.at(-1) ?? '', /client\.crt is empty; the certificate before stays in use$/);
  certificate(folder, 'client');
  rmSync(path.join(folder, 'server.crt'));
  await listeners.reload();
  assert.equal(await seen(open), 'server');
  replace(open, 'renewed');
  await listeners.reload();
  assert.equal(await seen(open), 'renewed');
  assert.ok(!log.join().includes(String(key)));
});
