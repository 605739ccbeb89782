// The attacks of strangers and broken clients on a server: nothing is rolled, its memory is bounded, and it keeps answering.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Agent, get } from 'node:https';
import { connect } from 'node:net';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { tidyHeap } from '../../../src/adapters/host/heap.ts';
import { parseScope } from '../../../src/core/access/scope.ts';
import { openTokenDesk } from '../../../src/fronts/server/access/desk.ts';
import { certificate } from '../../fronts/server/certificate.ts';
import { type Site, siteOf, tokenFile } from '../../fronts/server/http/site.ts';

const MB = 1_000_000;
const desk = openTokenDesk(() => 0);
const ADMIN = desk.create({ name: 'boss', allow: ['admin'], expires: undefined });

interface Open {
  readonly site: Site;
  readonly port: number;
  readonly file: (name: string) => Buffer;
}

async function secured(t: TestContext): Promise<Open> {
  const site = await siteOf(t, ['web'], (folder) => ({
    listen: [
      { kind: 'unix', path: path.join(folder, 'api.sock') },
      { kind: 'tcp', host: '127.0.0.1', port: 0 },
    ],
    tls: { ...certificate(folder, 'server'), ca: certificate(folder, 'authority').cert },
    tokens: tokenFile(folder, [ADMIN.line]),
    clients: [{ name: 'deploy', subject: 'CN=late', scopes: [parseScope('admin')] }],
  }));
  const port = Number(new URL(site.server.addresses[1] ?? '').port);
  return { site, port, file: (name) => readFileSync(path.join(site.folder, name)) };
}

function tls({ port }: Open, identity: object = {}): TLSSocket {
  return connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'], ...identity });
}

/** Sends bytes and resolves with the whole answer. */
async function raw(socket: TLSSocket, text: string): Promise<string> {
  let answer = '';
  socket.setEncoding('utf8').on('data', (more) => {
    answer += more;
  });
  const closed = new Promise((resolve) => socket.on('error', () => {}).once('close', resolve));
  socket.write(text);
  await closed;
  return answer;
}

function heapMb(): number {
  tidyHeap();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / MB;
}

/** Nothing was rolled, and the next request is answered. */
async function isUnharmed({ site }: Open): Promise<void> {
  assert.equal((await site.call('/v1/services')).status, 200);
  assert.deepEqual((await site.call('/v1/rolls')).json.rolls, []);
}

const head = (line: string, ...headers: string[]): string =>
  [`${line} HTTP/1.1`, 'Host: x', 'Connection: close', ...headers, '', ''].join('\r\n');

test('10,000 wrong tokens are refused in bounded memory, and a right one is let in meanwhile', async (t) => {
  const open = await secured(t);
  const agent = new Agent({ keepAlive: true, maxSockets: 10, rejectUnauthorized: false });
  t.after(() => agent.destroy());
  const guess = (): Promise<number> => {
    const { token } = desk.create({ name: 'x', allow: ['read'], expires: undefined });
    return new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: open.port, path: '/v1/services', agent };
      get({ ...options, headers: { authorization: `Bearer ${token}` } }, (answer) => {
        answer.resume().on('end', () => resolve(answer.statusCode ?? 0));
      }).on('error', reject);
    });
  };
  const before = heapMb();
  let refused = 0;
  const flood = async (): Promise<void> => {
    for (let time = 0; time < 1000; time++) if ([401, 429].includes(await guess())) refused += 1;
  };
  const flooding = Promise.all(Array.from({ length: 10 }, flood));
  assert.match(
    await raw(tls(open), head('GET /v1/services', `Authorization: Bearer ${ADMIN.token}`)),
    /^HTTP\/1\.1 200 /,
  );
  await flooding;
  const grown = heapMb() - before;
  t.diagnostic(`${refused} wrong tokens: ${grown.toFixed(1)} MB more`);
  assert.equal(refused, 10_000);
  assert.ok(grown < 30, `${grown} MB`);
  assert.ok(open.site.audit.length < 100, 'not every one is in the audit log');
  await isUnharmed(open);
});

test('a body of 100 MB is refused before it is read', async (t) => {
  const open = await secured(t);
  const before = heapMb();
  const said = head(
    'POST /v1/rolls',
    `Authorization: Bearer ${ADMIN.token}`,
    'Content-Type: application/json',
    'Content-Length: 104857600',
  );
  const answer = await raw(tls(open), said);
  assert.match(answer, /^HTTP\/1\.1 413 [\s\S]*"code":"too-large"/);
  const socket = tls(open);
  const chunked = head(
    'POST /v1/rolls',
    `Authorization: Bearer ${ADMIN.token}`,
    'Content-Type: application/json',
    'Transfer-Encoding: chunked',
  );
  const chunk = `10000\r\n${' '.repeat(65_536)}\r\n`;
  const refused = raw(socket, chunked);
  for (let sent = 0; sent < 1600 && !socket.destroyed; sent++) {
    if (!socket.write(chunk)) await new Promise((resolve) => socket.once('drain', resolve).once('close', resolve));
  }
  assert.match(await refused, /^HTTP\/1\.1 413 /);
  const grown = heapMb() - before;
  t.diagnostic(`two bodies of 100 MB: ${grown.toFixed(1)} MB more`);
  assert.ok(grown < 30, `${grown} MB`);
  await isUnharmed(open);
});

test('of 1,000 clients that ask for a stream of events and read nothing, few get one, and others are answered', async (t) => {
  const open = await secured(t);
  const before = heapMb();
  const sockets = Array.from({ length: 1000 }, () => connect(`${open.site.folder}/api.sock`));
  const decided = sockets.map(
    (socket) =>
      new Promise<string>((resolve) => {
        socket.on('error', () => {}).once('close', () => resolve('cut'));
        socket.once('data', (text) => {
          socket.pause();
          resolve(String(text).slice(9, 12));
        });
        socket.write(head('GET /v1/events'));
      }),
  );
  const answers = await Promise.all(decided);
  const count = (what: string): number => answers.filter((one) => one === what).length;
  const grown = heapMb() - before;
  t.diagnostic(`${count('200')} streams, ${count('429')} refused, ${count('cut')} cut: ${grown.toFixed(1)} MB more`);
  assert.equal(count('200'), 20);
  assert.equal(count('429') + count('cut'), 980);
  assert.ok(grown < 60, `${grown} MB`);
  await isUnharmed(open);
  for (const socket of sockets) socket.destroy();
});

test('an expired client certificate is none', async (t) => {
  const open = await secured(t);
  const { folder } = open.site;
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', 'late.key'];
  openssl('req', ...key, '-subj', '/CN=late', '-out', 'late.csr');
  const signed = (days: string): object => {
    const ca = ['-CA', 'authority.crt', '-CAkey', 'authority.key', '-CAcreateserial'];
    openssl('x509', '-req', '-in', 'late.csr', ...ca, '-days', days, '-out', 'late.crt');
    return { cert: open.file('late.crt'), key: open.file('late.key') };
  };
  assert.match(await raw(tls(open, signed('2')), head('GET /v1/services')), /^HTTP\/1\.1 200 /);
  assert.match(await raw(tls(open, signed('-1')), head('GET /v1/services')), /^HTTP\/1\.1 401 /);
});

const TRICKS: Readonly<Record<string, string>> = {
  'a path that leads upwards': head('GET /v1/../../etc/passwd'),
  'a path with encoded dots': head('GET /v1/services/%2e%2e%2f%2e%2e%2fetc%2fpasswd'),
  'a path with a broken escape': head('GET /v1/services/%E0%A4%A'),
  'a path with a null byte': head('GET /v1/services/a%00b'),
  'a path with an absolute URL': head('GET http://elsewhere.example.org/v1/services'),
  'a method that does not exist': head('BREW /v1/rolls'),
  'two lengths': `${head('POST /v1/rolls', 'Content-Length: 2', 'Content-Length: 20').trimEnd()}\r\n\r\n{}`,
  'a length and chunks': `${head('POST /v1/rolls', 'Content-Length: 2', 'Transfer-Encoding: chunked').trimEnd()}\r\n\r\n{}`,
  'a head that is too large': head('GET /v1/services', `X-Large: ${'x'.repeat(64 * 1024)}`),
  'a line break in a header': head('GET /v1/services', 'X-A: b\rAuthorization: Bearer x'),
  'two logins': head('GET /v1/services', 'Authorization: Bearer x', `Authorization: Bearer ${'y'.repeat(100)}`),
  'the address of a proxy that is not trusted': head('GET /v1/services', 'X-Forwarded-For: 127.0.0.1'),
  'no HTTP at all': '\u0016\u0003\u0001\u0000\r\n\r\n',
};
for (const [name, request] of Object.entries(TRICKS))
  test(`a stranger with ${name} gets nothing`, async (t) => {
    const open = await secured(t);
    const answer = await raw(tls(open), request);
    assert.match(answer, /^(HTTP\/1\.1 (400|401|404|405|413|431|501) |$)/, answer);
    assert.doesNotMatch(answer, /root:|"services"/);
    await isUnharmed(open);
  });
