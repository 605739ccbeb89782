// The callers that gRPC admits and rejects.
import assert from 'node:assert/strict';
import { connect } from 'node:http2';
import net from 'node:net';
import path from 'node:path';
import test, { suite } from 'node:test';
import { Code, ConnectError } from '@connectrpc/connect';
import { eventually } from '../../../lab/waiting.ts';
import { siteOf } from '../http/site.ts';
import { all, clientsOf, grpcSite, infoOf, overSocket, raised, secured, TOKENS } from './clients.ts';

suite('on TCP', () => {
  test('without a token, with a wrong one, or without its scope nothing is told and nothing rolls', async (t) => {
    const { site, over } = await secured(t);
    const roll = (token: string | undefined, service: string) =>
      raised(all(over('grpc', token === undefined ? {} : { token }).rolls.roll({ service })));
    for (const token of [undefined, `${TOKENS.ci}x`, 'x'.repeat(500)]) {
      const refused = await roll(token, 'shop/web');
      assert.deepEqual([refused.code, infoOf(refused).reason], [Code.Unauthenticated, 'unauthenticated']);
    }
    for (const [token, service] of [
      [TOKENS.reader, 'shop/web'],
      [TOKENS.ci, 'other'],
      // Not even the existence of such a service.
      [TOKENS.ci, 'no-such'],
    ] as const) {
      const refused = await roll(token, service);
      assert.deepEqual([refused.code, infoOf(refused).reason], [Code.PermissionDenied, 'forbidden']);
    }
    const seen = await over('grpc', { token: TOKENS.ci }).services.listServices({});
    assert.deepEqual(
      seen.services.map(({ service }) => service),
      ['shop/web'],
    );
    const audit = site.audit.map((line) => JSON.parse(line));
    assert.ok(audit.some(({ who, what, outcome }) => who === '-' && what === 'login' && outcome === 'denied'));
    assert.ok(audit.some(({ who, service, code }) => who === 'ci' && service === 'other' && code === 'forbidden'));
    assert.ok(!audit.some(({ outcome }) => outcome === 'accepted'));
    assert.ok(!site.audit.join('').includes(TOKENS.ci));
  });

  test('a client certificate of the authority may roll, a foreign one may not', async (t) => {
    const { site, over } = await secured(t);
    site.world.newer();
    const last = (await all(over('grpc', { client: 'client' }).rolls.roll({ service: 'shop/web' }))).at(-1);
    assert.ok(last?.case === 'job' && last.value.actor === 'deploy');
    assert.ok(site.audit.some((line) => /"who":"deploy","by":"certificate".*"outcome":"rolled"/.test(line)));
    const refused = await raised(over('grpc', { client: 'stranger' }).services.listServices({}));
    assert.equal(refused.code, Code.Unauthenticated);
  });

  test('a page in a browser may call nothing', async (t) => {
    const { over } = await secured(t);
    const { services } = over('connect', { client: 'client', headers: { origin: 'https://evil.example' } });
    assert.equal((await raised(services.listServices({}))).code, Code.PermissionDenied);
  });

  test('too many failed logins, or changes, are refused for a while', async (t) => {
    const { over } = await secured(t);
    const { services } = over('grpc', { token: `${TOKENS.ci}x` });
    const codes = new Set<Code>();
    for (let count = 0; count < 15; count++) codes.add((await raised(services.listServices({}))).code);
    assert.deepEqual([...codes], [Code.Unauthenticated, Code.ResourceExhausted]);
    const { rolls } = over('grpc', { token: TOKENS.ci });
    const check = async (): Promise<ConnectError | undefined> => {
      for await (const _ of rolls.check({ services: ['shop/web'] }));
      return undefined;
    };
    let last: ConnectError | undefined;
    for (let count = 0; count < 200 && last === undefined; count++) last = await check().catch(ConnectError.from);
    assert.ok(last);
    assert.deepEqual([last.code, infoOf(last).reason], [Code.ResourceExhausted, 'too-many-requests']);
    assert.ok(last.details.some((one) => 'type' in one && one.type === 'google.rpc.RetryInfo'));
  });
});

suite('on any address', () => {
  test('a message that is too large is refused, also one that was compressed', async (t) => {
    const { rolls } = await grpcSite(t, ['web']);
    const refused = await raised(all(rolls.roll({ service: 'x'.repeat(100_000) })));
    assert.equal(refused.code, Code.ResourceExhausted);
  });

  test('what is no message gets an error, and the server goes on', async (t) => {
    const { folder, services } = await grpcSite(t, ['web']);
    const session = connect('http://swapctl', { createConnection: () => net.connect(path.join(folder, 'api.sock')) });
    t.after(() => session.destroy());
    const ask = async (target: string, body: Buffer, type = 'application/grpc'): Promise<Record<string, unknown>> => {
      const stream = session.request({ ':path': target, ':method': 'POST', 'content-type': type, te: 'trailers' });
      const answer = {};
      stream.on('response', (headers) => Object.assign(answer, headers));
      stream.on('trailers', (headers) => Object.assign(answer, headers));
      stream.end(body);
      for await (const _ of stream);
      return answer;
    };
    const junk = await ask('/swapctl.v1.RollService/Roll', Buffer.from([0, 0, 0, 0, 3, 255, 255, 255]));
    // Connect and other servers of gRPC have this status for it.
    assert.equal(junk['grpc-status'], String(Code.Internal));
    const cut = await ask('/swapctl.v1.RollService/Roll', Buffer.from([0, 255, 255, 255, 255]));
    assert.equal(cut['grpc-status'], String(Code.ResourceExhausted));
    assert.equal((await ask('/swapctl.v1.RollService/Nothing', Buffer.alloc(5)))[':status'], 404);
    assert.equal((await ask('/grpc.Unknown/Nothing', Buffer.alloc(5)))[':status'], 404);
    assert.equal((await ask('/swapctl.v1.RollService/Roll', Buffer.alloc(5), 'text/plain'))[':status'], 415);
    assert.equal((await services.listServices({})).services.length, 1);
  });

  test('an unexpected failure tells no stack', async (t) => {
    const { process, services } = await grpcSite(t, ['web']);
    process.before('engine.list', 1, () => {
      throw new Error('secret of the engine\n    at stack (file.ts:1)');
    });
    const error = await raised(services.listServices({}));
    assert.ok([Code.Internal, Code.Unavailable].includes(error.code));
    assert.doesNotMatch(`${error.rawMessage} ${JSON.stringify(infoOf(error))}`, /file\.ts:1\)[^ ]*\n|node_modules/);
  });

  test('gRPC can be switched off', async (t) => {
    const site = await siteOf(t, ['web'], (folder) => ({
      listen: [{ kind: 'unix', path: path.join(folder, 'api.sock') }],
      grpc: false,
    }));
    assert.equal((await raised(clientsOf(overSocket(site)).services.listServices({}))).code, Code.Unimplemented);
    assert.equal((await site.call('/v1/services')).status, 200);
  });

  test('connections that say nothing, or only a part of the preface, are closed, and others are answered', async (t) => {
    const { folder, services, call } = await grpcSite(t, ['web']);
    const slow = ['', 'P', 'PR', 'PRI * HTTP/2.0\r\n'].map((begin) => {
      const socket = net.connect(path.join(folder, 'api.sock'));
      socket.on('error', () => {}).write(begin);
      return socket;
    });
    assert.equal((await services.listServices({})).services.length, 1);
    assert.equal((await call('/v1/services')).status, 200);
    // The last of these has begun a session of HTTP/2, which may be idle for longer.
    await Promise.all(slow.slice(0, 3).map((one) => new Promise((resolve) => one.once('close', resolve).resume())));
    slow[3]?.destroy();
  });

  test('the metrics count the calls', async (t) => {
    const { services, rolls, call } = await grpcSite(t, ['web']);
    await services.listServices({});
    await raised(rolls.getJob({ id: 'none' }));
    await eventually('both calls are counted', async () => {
      const { text } = await call('/metrics');
      return (
        text.includes('swapctl_grpc_calls_total{method="swapctl.v1.ServiceService/ListServices",status="ok"} 1') &&
        text.includes('swapctl_grpc_calls_total{method="swapctl.v1.RollService/GetJob",status="not_found"} 1')
      );
    });
  });
});
