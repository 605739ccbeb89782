import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { promisify } from 'node:util';
import {
  type Connection,
  type ConnectOptions,
  connect,
  withVersion,
} from '../../../../src/adapters/docker/connect/connect.ts';
import type { Endpoint } from '../../../../src/adapters/docker/connect/endpoint.ts';
import { readTls, type Tls } from '../../../../src/adapters/docker/connect/world.ts';
import { textOf } from '../../../../src/adapters/docker/credentials/config-file.ts';
import { SwapError } from '../../../../src/core/model/error.ts';
import { missingProgram } from '../../../lab/missing.ts';
import { SAFETY_NET_MS } from '../../../lab/waiting.ts';
import { fakeEngine, makeCertificates, scratch, VERSION } from './fake-engine.ts';

const noTls = missingProgram('openssl');

const unix = (path: string): Endpoint => ({ kind: 'unix', path, origin: 'the default socket' });
const tcp = (port: number, host = '127.0.0.1'): Endpoint => ({ kind: 'tcp', host, port, origin: 'DOCKER_HOST' });

async function opened(t: TestContext, endpoint: Endpoint, options?: ConnectOptions): Promise<Connection> {
  const connection = await connect(endpoint, options);
  t.after(connection.close);
  return connection;
}

async function refusal(endpoint: Endpoint, options?: ConnectOptions): Promise<SwapError> {
  const error = await connect(endpoint, options).then(
    () => assert.fail('it connected'),
    (thrown) => thrown,
  );
  assert.ok(error instanceof SwapError, String(error));
  return error;
}

/** Sets environment variables during a test. */
function setEnv(t: TestContext, env: Record<string, string>): void {
  for (const [key, value] of Object.entries(env)) {
    const before = process.env[key];
    t.after(() => {
      if (before === undefined) delete process.env[key];
      else process.env[key] = before;
    });
    process.env[key] = value;
  }
}

test('over a unix socket it agrees on a version, asks for it in every path and keeps one connection', async (t) => {
  const socket = join(scratch(t), 'd.sock');
  const { seen } = await fakeEngine(t, { socket, version: { ...VERSION, ApiVersion: '1.45' } });
  const { docker, version } = await opened(t, unix(socket));
  assert.equal(version.apiVersion, '1.45');
  for (let i = 0; i < 3; i += 1) assert.equal(String(await docker.ping()), 'OK');
  assert.deepEqual(seen.requests, ['GET /version', ...Array(3).fill('GET /v1.45/_ping')]);
  assert.equal(seen.connections, 1);
});

test('another version can be spoken on the same connection', async (t) => {
  const socket = join(scratch(t), 'd.sock');
  const { seen } = await fakeEngine(t, { socket });
  const { docker } = await opened(t, unix(socket));
  await withVersion(docker, '1.41').ping();
  await docker.ping();
  assert.deepEqual(seen.requests, ['GET /version', 'GET /v1.41/_ping', 'GET /v1.51/_ping']);
  assert.equal(seen.connections, 1);
});

test('a DOCKER_HOST in the environment, even a broken one, does not disturb and is not lost', async (t) => {
  const socket = join(scratch(t), 'd.sock');
  const { seen } = await fakeEngine(t, { socket });
  const env = {
    DOCKER_HOST: 'tcp://127.0.0.1:1',
    DOCKER_TLS_VERIFY: '1',
    DOCKER_CERT_PATH: '/nowhere',
    DOCKER_PATH_PREFIX: '/x',
  };
  setEnv(t, env);
  const { docker } = await opened(t, unix(socket));
  await docker.ping();
  process.env.DOCKER_HOST = 'tcp://:::';
  await (await opened(t, unix(socket))).docker.ping();
  assert.equal(process.env.DOCKER_HOST, 'tcp://:::');
  assert.equal(seen.requests.length, 4);
});

test('over tcp the engine gets its host name', async (t) => {
  const { port, seen } = await fakeEngine(t, {});
  const { docker } = await opened(t, tcp(port, 'localhost'));
  await docker.ping();
  assert.deepEqual(seen.hosts, [`localhost:${port}`, `localhost:${port}`]);
});

test('an IPv6 address works', async (t) => {
  const { server } = await fakeEngine(t, { socket: join(scratch(t), 'd.sock') });
  const v6 = createServer((socket) => server.emit('connection', socket));
  v6.listen(0, '::1');
  const ok = await Promise.race([once(v6, 'listening').then(() => true), once(v6, 'error').then(() => false)]);
  if (!ok) return t.skip('this machine has no IPv6');
  t.after(() => v6.close());
  const { docker } = await opened(t, tcp((v6.address() as AddressInfo).port, '::1'));
  assert.equal(String(await docker.ping()), 'OK');
});

test('a hijacked exec carries bytes both ways, ends by half, and is ended by close', async (t) => {
  const socket = join(scratch(t), 'd.sock');
  await fakeEngine(t, { socket });
  const { docker, close } = await opened(t, unix(socket));
  const stream = await docker.getExec('abc').start({ hijack: true, stdin: true });
  stream.write('hi');
  assert.equal(String((await once(stream, 'data'))[0]), 'echo hi');
  stream.end();
  assert.equal(String((await once(stream, 'data'))[0]), 'bye');
  const other = await docker.getExec('abc').start({ hijack: true, stdin: true });
  close();
  await once(other, 'close');
});

test('TLS: the engine is verified by the CA, and gets the certificate of the client', { skip: noTls }, async (t) => {
  const folder = scratch(t);
  makeCertificates(folder);
  const pem = (name: string) => readFileSync(join(folder, name));
  const server = {
    key: pem('server-key.pem'),
    cert: pem('server-cert.pem'),
    ca: pem('ca.pem'),
    requestCert: true,
    rejectUnauthorized: true,
  };
  const { port, seen } = await fakeEngine(t, { tls: server });
  const tls = await readTls(folder, true, textOf);
  for (const host of ['localhost', '127.0.0.1'])
    await (await opened(t, { kind: 'tcp', host, port, tls, origin: 'DOCKER_HOST' })).docker.ping();
  assert.equal(seen.requests.length, 4);
  assert.match(
    (await refusal({ kind: 'tcp', host: 'localhost', port, tls: { ca: tls.ca ?? '', verify: true }, origin: 'x' }))
      .message,
    /refused the TLS certificate of this client/,
  );
});

test('TLS: an unknown CA and a wrong name are refused, and skipping verification accepts both', {
  skip: noTls,
}, async (t) => {
  const folder = scratch(t);
  makeCertificates(folder, 'elsewhere', 'DNS:elsewhere');
  const pem = (name: string) => readFileSync(join(folder, name));
  const { port } = await fakeEngine(t, { tls: { key: pem('server-key.pem'), cert: pem('server-cert.pem') } });
  const at = (tls: Tls): Endpoint => ({
    kind: 'tcp',
    host: 'localhost',
    port,
    tls,
    origin: 'context "c"',
  });
  assert.match((await refusal(at({ verify: true }))).message, /can't be verified/);
  assert.match((await refusal(at({ ca: String(pem('ca.pem')), verify: true }))).message, /is for another name/);
  await (await opened(t, at({ verify: false }))).docker.ping();
  const broken = await refusal(at({ ca: String(pem('ca.pem')), cert: 'no pem', verify: true }));
  assert.deepEqual([broken.code, /TLS files of context "c"/.test(broken.message)], ['config', true]);
});

test('TLS against a plain port, and plain against a TLS port, are told apart', { skip: noTls }, async (t) => {
  const folder = scratch(t);
  makeCertificates(folder);
  const plain = await fakeEngine(t, {});
  const tls = await readTls(folder, true, textOf);
  assert.match(
    (await refusal({ kind: 'tcp', host: 'localhost', port: plain.port, tls, origin: '--host' })).message,
    /does not speak TLS/,
  );
  // A Go server's answer in this case.
  const go = createServer((socket) =>
    socket.once('data', () =>
      socket.end('HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n'),
    ),
  );
  go.listen(0, '127.0.0.1');
  await once(go, 'listening');
  t.after(() => go.close());
  const error = await refusal(tcp((go.address() as AddressInfo).port));
  assert.deepEqual([/wants TLS/.test(error.message), /DOCKER_TLS_VERIFY/.test(error.hint ?? '')], [true, true]);
});

test('a missing socket, a dead one and a forbidden one each get their own sentence', async (t) => {
  const folder = scratch(t);
  const missing = await refusal(unix(join(folder, 'none.sock')));
  assert.equal(missing.code, 'engine-unreachable');
  assert.match(missing.message, /^no Docker Engine answers at unix:\/\/.*none\.sock: there is no such socket$/);
  assert.match(missing.hint ?? '', /is it running\?.*the default socket/);
  writeFileSync(join(folder, 'dead.sock'), '');
  assert.match((await refusal(unix(join(folder, 'dead.sock')))).message, /nobody listens/);
});

test('a socket without permission says who may use it', {
  skip: process.getuid?.() !== 0 && 'only root can become nobody',
}, async (t) => {
  const socket = join(scratch(t), 'd.sock');
  await fakeEngine(t, { socket });
  process.setegid?.(65534);
  process.seteuid?.(65534);
  const error = await refusal(unix(socket)).finally(() => {
    process.seteuid?.(0);
    process.setegid?.(0);
  });
  assert.equal(error.message, `permission denied on ${socket}`);
  assert.match(error.hint ?? '', /root or .* group docker/);
});

test('a closed port, an unknown name and a silent server each get their own sentence', async (t) => {
  const silent = createServer(() => {});
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.after(() => silent.close());
  const { port } = silent.address() as AddressInfo;
  assert.match((await refusal(tcp(port), { timeoutMs: 200 })).message, /nothing came back in time/);
  assert.match((await refusal(tcp(1))).message, /tcp:\/\/127\.0\.0\.1:1: the connection was refused/);
  const unknown = await refusal(tcp(2375, 'no-such-host.invalid'));
  assert.match(unknown.message, /no-such-host\.invalid can't be resolved/);
  assert.match(unknown.hint ?? '', /DOCKER_HOST/);
});

test('something else than an engine is not taken for one', async (t) => {
  const folder = scratch(t);
  const odd = async (options: object, pattern: RegExp) => {
    const socket = join(folder, 'o.sock');
    const { server } = await fakeEngine(t, { socket, ...options });
    assert.match((await refusal(unix(socket))).message, pattern);
    server.close();
    rmSync(socket, { force: true });
  };
  await odd({ version: { hello: 1 } }, /no Docker Engine/);
  await odd({ status: 403 }, /HTTP 403/);
  const garbage = createServer((socket) => socket.end('SSH-2.0-x\r\n'));
  garbage.listen(0, '127.0.0.1');
  await once(garbage, 'listening');
  t.after(() => garbage.close());
  assert.match((await refusal(tcp((garbage.address() as AddressInfo).port))).message, /does not speak HTTP/);
});

test('an idle connection does not keep the process alive', async (t) => {
  const socket = join(scratch(t), 'd.sock');
  await fakeEngine(t, { socket });
  const script = `
    import { connect } from ${JSON.stringify(new URL('../../../../src/adapters/docker/connect/connect.ts', import.meta.url).href)};
    const { docker } = await connect({ kind: 'unix', path: ${JSON.stringify(socket)}, origin: 'x' });
    process.stdout.write(String(await docker.ping()));`;
  const args = ['--import', 'tsx', '--input-type=module', '-e', script];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: SAFETY_NET_MS });
  assert.equal(stdout, 'OK');
});
