// TCP with TLS: the admitted and rejected callers.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import path from 'node:path';
import test, { suite, type TestContext } from 'node:test';
import { parseScope } from '../../../../src/core/access/scope.ts';
import type { ServerConfig } from '../../../../src/core/access/server-config.ts';
import { openTokenDesk } from '../../../../src/fronts/server/access/desk.ts';
import { certificate } from '../certificate.ts';
import { type Answer, type Call, type Site, siteOf, tokenFile } from './site.ts';

const desk = openTokenDesk(() => 0);
const TOKENS = {
  ci: desk.create({ name: 'ci', allow: ['roll:shop/*'], expires: undefined }),
  reader: desk.create({ name: 'reader', allow: ['read'], expires: undefined }),
  checker: desk.create({ name: 'checker', allow: ['check'], expires: undefined }),
};

interface Secured {
  readonly site: Site;
  readonly port: number;
  readonly folder: string;
  ask(target: string, call?: Call & { client?: string }): Promise<Answer>;
}

async function secured(t: TestContext): Promise<Secured> {
  const config = (folder: string): Partial<ServerConfig> => ({
    listen: [{ kind: 'tcp', host: '127.0.0.1', port: 0 }],
    tls: { ...certificate(folder, 'server'), ca: certificate(folder, 'client').cert },
    tokens: tokenFile(
      folder,
      Object.values(TOKENS).map(({ line }) => line),
    ),
    clients: [{ name: 'deploy', subject: 'CN=client', scopes: [parseScope('roll:*')] }],
  });
  const site = await siteOf(t, ['shop/web', 'other'], config);
  const port = Number(new URL(site.server.addresses[0] ?? '').port);
  certificate(site.folder, 'stranger');
  const file = (name: string): Buffer => readFileSync(path.join(site.folder, name));
  const ask: Secured['ask'] = (target, { method = 'GET', headers = {}, body, client } = {}) =>
    new Promise((resolve, reject) => {
      const identity = client ? { cert: file(`${client}.crt`), key: file(`${client}.key`) } : {};
      const type = body === undefined ? {} : { 'content-type': 'application/json' };
      const options = { host: '127.0.0.1', port, path: target, method, ca: file('server.crt'), ...identity };
      const request = httpsRequest({ ...options, agent: false, headers: { ...type, ...headers } }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (more) => {
          text += more;
        });
        response.on('end', () => {
          const json = text.startsWith('{') ? JSON.parse(text) : undefined;
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json });
        });
      });
      request.on('error', reject).end(body === undefined ? undefined : JSON.stringify(body));
    });
  return { site, port, folder: site.folder, ask };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

suite('on TCP', () => {
  test('a token without the scope read may read the jobs that it asked for, and no others', async (t) => {
    const { ask } = await secured(t);
    const [checker, reader] = [bearer(TOKENS.checker.token), bearer(TOKENS.reader.token)];
    const check = { method: 'POST', body: {} };
    const own = await ask('/v1/checks', { ...check, headers: { prefer: 'wait=60', ...checker } });
    assert.deepEqual([own.status, own.json.state], [200, 'done'], own.text);
    assert.equal((await ask(`/v1/rolls/${own.json.id}`, { headers: checker })).status, 200);
    const roll = { method: 'POST', body: { service: 'shop/web' } };
    const others = await ask('/v1/rolls', { ...roll, headers: { prefer: 'wait=60', ...bearer(TOKENS.ci.token) } });
    assert.equal((await ask(`/v1/rolls/${others.json.id}`, { headers: reader })).status, 200);
    assert.equal((await ask(`/v1/rolls/${others.json.id}`, { headers: checker })).status, 404);
  });

  test('a token may do what its scopes say, and nothing else', async (t) => {
    const { site, ask } = await secured(t);
    site.world.newer();
    const [ci, reader] = [bearer(TOKENS.ci.token), bearer(TOKENS.reader.token)];
    const roll = (service: string, headers: Record<string, string>) =>
      ask('/v1/rolls', { method: 'POST', headers: { prefer: 'wait=60', ...headers }, body: { service } });
    assert.equal((await ask('/livez')).status, 200);
    assert.deepEqual([(await ask('/v1/services')).status, (await roll('shop/web', {})).status], [401, 401]);
    const { status, headers, json } = await roll('shop/web', bearer(`${TOKENS.ci.token}x`));
    assert.deepEqual([status, headers['www-authenticate'], json.code], [401, 'Bearer', 'unauthenticated']);
    assert.equal((await roll('shop/web', reader)).json.code, 'forbidden');
    assert.equal((await roll('other', ci)).json.code, 'forbidden');
    // Not even the existence of such a service.
    assert.equal((await roll('no-such', ci)).json.code, 'forbidden');
    const rolled = await roll('shop/web', ci);
    assert.deepEqual([rolled.status, rolled.json.outcome, rolled.json.actor], [200, 'rolled', 'ci']);
    const seen = await ask('/v1/services', { headers: ci });
    assert.deepEqual(
      seen.json.services.map(({ service }: { service: string }) => service),
      ['shop/web'],
    );
    const all = { method: 'POST', headers: ci, body: {} };
    assert.equal((await ask('/v1/updates', all)).json.code, 'forbidden');
    const denied = site.audit.map((line) => JSON.parse(line)).filter(({ outcome }) => outcome === 'denied');
    assert.ok(denied.some(({ who, service, code }) => who === 'ci' && service === 'other' && code === 'forbidden'));
    assert.ok(!site.audit.join('').includes(TOKENS.ci.token));
  });

  test('a client certificate of the authority is let in by its subject, a foreign one is not', async (t) => {
    const { ask } = await secured(t);
    assert.equal((await ask('/v1/services', { client: 'client' })).status, 200);
    assert.equal((await ask('/v1/services', { client: 'stranger' })).status, 401);
  });

  test('HTTP/2 and HTTP/1.1 share the port', async (t) => {
    const { port, folder } = await secured(t);
    const session = connectHttp2(`https://127.0.0.1:${port}`, { ca: readFileSync(path.join(folder, 'server.crt')) });
    t.after(() => session.close());
    const stream = session.request({ ':path': '/v1/services', ...bearer(TOKENS.reader.token) });
    const status = new Promise((resolve) => stream.on('response', (headers) => resolve(headers[':status'])));
    let text = '';
    for await (const chunk of stream.setEncoding('utf8')) text += chunk;
    assert.equal(await status, 200);
    assert.equal(JSON.parse(text).services.length, 2);
  });
});

test('the OpenAPI document has every path, and refers to nothing that is not there', async (t) => {
  const { call } = await siteOf(t, ['web']);
  const { json } = await call('/openapi.json');
  assert.equal(json.openapi, '3.1.0');
  assert.ok(
    json.paths['/v1/services/{service}/rollback'].post.requestBody.content['application/json'].schema.properties,
  );
  for (const [, name] of JSON.stringify(json).matchAll(/#\/components\/schemas\/(\w+)/g))
    assert.ok(json.components.schemas[name ?? '']);
});
